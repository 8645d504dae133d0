/** Alerts to an address of the user's choice, as JSON. Off until an address is set; docs/guides/alerts.md says what is sent. */
import type { Onset } from '../alerts/evaluate.ts';
import { errors } from '../runs/errors.ts';

/** How long the other side may take. */
const TIMEOUT_MS = 5000;

/** Throws REQUEST_INVALID for what is no http or https address. */
export function checkAddress(address: string): void {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw errors.badRequest('body webhook', 'it is no http or https address without a name and password in it');
}

/** What is sent: texts and numbers of the alert, the run's id and name. No text of a completion, no image, no configuration. */
export const payload = (run: { run: string; name: string }, { rule, title, level, since, seen, why }: Onset): string =>
  JSON.stringify({ ...run, rule, title, level, since, seen, why, text: `${run.name}: ${title}. ${seen}` });

/** Sends it once. A redirect is not followed: what was meant for one address goes to no other. */
export async function sendAlert(address: string, run: { run: string; name: string }, onset: Onset): Promise<void> {
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: payload(run, onset),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
}
