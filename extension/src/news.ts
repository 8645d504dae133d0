/** What happened to runs between two lists of them, as far as somebody who looks elsewhere wants to be told. */
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import type { RunSummary } from '@medr1/widgets/connector';
import { told } from '@medr1/widgets/format';

export const NEWS_KINDS = ['finished', 'trouble', 'alert', 'queue'] as const;
/** `trouble`: a run failed, was broken off, or paused because of an error. */
export type NewsKind = (typeof NEWS_KINDS)[number];

export interface News {
  kind: NewsKind;
  run: string;
  name: string;
  /** What happened, and what to do about it where that is known. */
  text: string;
  /** Step that it is about; null = the newest. */
  step: number | null;
}

/** `before` by id. A run that is new in the list is no news by itself. */
export function newsOf(before: ReadonlyMap<string, RunSummary>, runs: readonly RunSummary[]): News[] {
  return runs.flatMap((run) => {
    const known = before.get(run.id);
    return known ? newsOfRun(known, run) : [];
  });
}

/** It failed, was broken off, or paused because of an error, and nobody has done anything about it yet. */
export const isInTrouble = ({ state, error }: RunSummary): boolean =>
  state === 'failed' || state === 'interrupted' || (state === 'paused' && error !== null);

function newsOfRun(before: RunSummary, run: RunSummary): News[] {
  const news = (kind: NewsKind, text: string, step: number | null = null): News => ({ kind, run: run.id, name: run.name, text, step });
  const found: News[] = [];
  if (run.state !== before.state) {
    const because = run.error ? told(run.error) : '';
    if (run.state === 'finished') found.push(news('finished', `finished at step ${run.step}.`));
    else if (isInTrouble(run)) found.push(news('trouble', `${run.state}. ${because}`.trim()));
    else if (before.state === 'queued' && run.state === 'starting') found.push(news('queue', 'has got the device and starts.'));
  }
  if (run.waits_since !== null && before.waits_since === null) found.push(news('queue', 'waits for the device.'));
  // an alert that goes on is told at every step with another number: it is news when it says something else
  // what is seen in an old run that somebody looks at is no news
  const isNews = isActive(run.state) || run.state !== before.state;
  if (isNews && run.alert && wordsOf(run.alert.message) !== wordsOf(before.alert?.message ?? ''))
    found.push(news('alert', `step ${run.alert.step}: ${told(run.alert)}`, run.alert.step));
  return found;
}

const wordsOf = (message: string): string => message.replaceAll(/[\d.,]+/g, '#');
