// Reads TypeScript just well enough to find its imports: tells code from comments, strings, templates and regular
// expressions. No parser is a dependency of the project, and the imports of a file are all that is asked.

/** One import, re-export, import() or import type of a file. */
export interface Import {
  /** Undefined when the name is computed. */
  readonly specifier: string | undefined;
  /** True when nothing of it is left when types are stripped. */
  readonly typeOnly: boolean;
}

interface Scan {
  /** The source with comments gone and the content of strings and regular expressions blanked to `"n"`. */
  readonly code: string;
  /** String number n of the code. */
  readonly strings: readonly string[];
}

const STRING = /(['"])((?:\\[^]|(?!\1)[^\\\n])*)\1/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const BLOCK_COMMENT = /\/\*[^]*?\*\//y;
const REGEX = /\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_TEXT = /(?:\\[^]|\$(?!\{)|[^`\\$])*/y;
const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;

// After one of these a slash starts a regular expression, after anything else it divides.
const BEFORE_REGEX =
  /(?:^|[([{,;=:?!&|+\-*/%<>~^]|\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield))$/;

function scan(source: string): Scan {
  const strings: string[] = [];
  let code = '';
  let at = 0;
  // For each template that is open, how many braces are open inside its current ${…}.
  const templates: number[] = [];
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const templateText = (): void => {
    take(TEMPLATE_TEXT);
    // A slip before this point ends here at the latest, so that nothing is overlooked in silence.
    if (at >= source.length) throw new Error('a template has no end: this source cannot be read');
    if (source[at] === '`') {
      at++;
      code += '`';
    } else {
      at += 2;
      code += '${';
      templates.push(0);
    }
  };
  while (at < source.length) {
    const character = source[at]!;
    if (take(LINE_COMMENT) !== null || take(BLOCK_COMMENT) !== null) {
      code += ' ';
      continue;
    }
    const string = take(STRING);
    if (string !== null) {
      code += `"${strings.length}"`;
      strings.push(string[2]!);
      continue;
    }
    if (character === '/' && BEFORE_REGEX.test(code.trimEnd()) && take(REGEX) !== null) {
      code += '/ /';
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      code += word[0];
      continue;
    }
    at++;
    code += character;
    if (character === '`') templateText();
    else if (character === '{' && templates.length > 0) templates.push(templates.pop()! + 1);
    else if (character === '}' && templates.length > 0) {
      const open = templates.pop()!;
      if (open > 0) templates.push(open - 1);
      else templateText();
    }
  }
  return { code, strings };
}

/** The source without comments, and with the content of strings, templates and regular expressions taken out. */
export function codeOf(source: string): string {
  return scan(source).code.replaceAll(/"\d+"/g, '""');
}

const CLAUSE = /\b(?:import|export)\s+(type\b(?!\s*(?:,|from\b)))?\s*((?:[\w$*{},\s]|"\d+")*?)\bfrom\s*"(\d+)"/g;
const BARE = /\bimport\s*"(\d+)"/g;
const CALL = /(?<![.\w$])(?:import|require)\s*\(\s*(?:"(\d+)"\s*[,)])?/g;
const IMPORT_EQUALS = /\bimport\s+[\w$]+\s*=\s*require\b/;

/** True when every name in the braces of an import clause has its own `type`. */
function namesAreTypes(clause: string): boolean {
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const parts = names.split(',').filter((name) => name.trim() !== '');
  return parts.length > 0 && parts.every((name) => /^\s*type\s+[\w$]/.test(name));
}

/** Everything that the source imports, in no particular order. */
export function importsOf(source: string): Import[] {
  const { code, strings } = scan(source);
  const named = (index: string | undefined): string | undefined =>
    index === undefined ? undefined : strings[Number(index)];
  const imports: Import[] = [];
  for (const [, type, clause, index] of code.matchAll(CLAUSE)) {
    imports.push({ specifier: named(index), typeOnly: type !== undefined || namesAreTypes(clause!) });
  }
  for (const [, index] of code.matchAll(BARE)) imports.push({ specifier: named(index), typeOnly: false });
  // An import type looks like an import() whose promise has a member read; the stricter reading is the safe one.
  for (const [, index] of code.matchAll(CALL)) imports.push({ specifier: named(index), typeOnly: false });
  if (IMPORT_EQUALS.test(code)) imports.push({ specifier: undefined, typeOnly: false });
  return imports;
}
