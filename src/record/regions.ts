// Regions of the world as records name them: countries (ISO 3166-1 alpha-2) and the regions of UN M.49 that are made of
// them. A code that the table does not know (M.49's numbers of single countries, and its groups by development) stands for
// itself alone. https://unstats.un.org/unsd/methodology/m49/

/** Regions of countries. */
const COUNTRIES: Readonly<Record<string, string>> = {
  '015': 'DZ EG LY MA SD TN EH',
  '014': 'IO BI KM DJ ER ET TF KE MG MW MU YT MZ RE RW SC SO SS UG TZ ZM ZW',
  '017': 'AO CM CF TD CG CD GQ GA ST',
  '018': 'BW SZ LS NA ZA',
  '011': 'BJ BF CV CI GM GH GN GW LR ML MR NE NG SH SN SL TG',
  '029': 'AI AG AW BS BB BQ VG KY CU CW DM DO GD GP HT JM MQ MS PR BL KN LC MF VC SX TT TC VI',
  '013': 'BZ CR SV GT HN MX NI PA',
  '005': 'AR BO BV BR CL CO EC FK GF GY PY PE GS SR UY VE',
  '021': 'BM CA GL PM US',
  '143': 'KZ KG TJ TM UZ',
  '030': 'CN HK MO KP JP MN KR',
  '035': 'BN KH ID LA MY MM PH SG TH TL VN',
  '034': 'AF BD BT IN IR MV NP PK LK',
  '145': 'AM AZ BH CY GE IQ IL JO KW LB OM QA SA PS SY TR AE YE',
  '151': 'BY BG CZ HU PL MD RO RU SK UA',
  '154': 'AX DK EE FO FI GG IS IE IM JE LV LT NO SJ SE GB',
  '039': 'AL AD BA HR GI GR VA IT MT ME MK PT SM RS SI ES',
  '155': 'AT BE FR DE LI LU MC NL CH',
  '053': 'AU CX CC HM NZ NF',
  '054': 'FJ NC PG SB VU',
  '057': 'GU KI MH FM NR MP PW UM',
  '061': 'AS CK PF NU PN WS TK TO TV WF',
  '010': 'AQ',
};

/** Regions of regions. North America (003) and Latin America and the Caribbean (419) have some in common. */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  '202': ['014', '017', '018', '011'],
  '002': ['015', '202'],
  '419': ['029', '013', '005'],
  '003': ['021', '029', '013'],
  '019': ['419', '021'],
  '142': ['143', '030', '035', '034', '145'],
  '150': ['151', '154', '039', '155'],
  '009': ['053', '054', '057', '061'],
  '001': ['002', '019', '142', '150', '009', '010'],
};

function expand(region: string): readonly string[] {
  return REGIONS[region]?.flatMap(expand) ?? COUNTRIES[region]!.split(' ');
}

const MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [...Object.keys(COUNTRIES), ...Object.keys(REGIONS)].map((region) => [region, new Set(expand(region))]),
);

/** The countries of a region; of a country, and of a code that is not in the table, itself. */
export function countriesOf(region: string): ReadonlySet<string> {
  return MEMBERS.get(region) ?? new Set([region]);
}

/** True when the regions together have every country of the region: "003" has "US". */
export function regionsContain(regions: readonly string[], region: string): boolean {
  const all = new Set(regions.flatMap((each) => [...countriesOf(each)]));
  return [...countriesOf(region)].every((country) => all.has(country));
}

/** True when some country is in both lists of regions: ["003"] and ["US", "CH"]. */
export function regionsOverlap(a: readonly string[], b: readonly string[]): boolean {
  const all = new Set(a.flatMap((each) => [...countriesOf(each)]));
  return b.some((each) => [...countriesOf(each)].some((country) => all.has(country)));
}

/** True when both lists are of the same countries, whatever they are called. */
export function regionsEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.every((each) => regionsContain(b, each)) && b.every((each) => regionsContain(a, each));
}
