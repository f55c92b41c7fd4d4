// From an alert to the message that hooks get.

import { alertJson } from '../../adapters/http/index.ts';
import type { AlertJson } from '../../adapters/http/index.ts';
import type { Alert } from '../../monitor/alerts.ts';
import type { Message } from './notify.ts';

/** The message's format, which its receivers may rely on; a member more is no other format. */
export const ALERT_FORMAT = 'limmat/alert/v1';

/** What a hook gets, as one line of JSON. */
export interface AlertMessage extends Omit<AlertJson, 'notified'> {
  readonly format: typeof ALERT_FORMAT;
  /** The name of the monitor's key. */
  readonly monitor: string;
}

/** The message about an alert; its id is the alert's, so a receiver that knows it has nothing new to do. */
export function alertMessage(monitor: string, alert: Alert): Message {
  const { notified: _notified, ...shown } = alertJson(alert);
  const content: AlertMessage = { format: ALERT_FORMAT, monitor, ...shown };
  return { id: alert.id, text: JSON.stringify(content) };
}
