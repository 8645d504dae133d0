/** One line about the training that is going on: "Med-R1 ● step 412/2,000 · reward 1.63 · 18.4 rollouts/s · GPU 41.0 / 80.0 GiB". */
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import { isLive, POLLING, type ConnectionState, type EvalSummary, type RunSummary } from '../connector.ts';
import { bytes, inSentence, integer, number, told } from '../format.ts';
import { STATES } from '../runs/model.ts';
import type { RunListState } from '../store/run-list.ts';

/** The run that the line is about: one that trains, before one that is paused. */
const runOf = (runs: readonly RunSummary[]): RunSummary | null =>
  runs.find(({ state }) => state === 'running') ?? runs.find(({ state }) => isActive(state)) ?? null;

/** The run that the line is about, while an alert of it is on. */
export function alertedRun({ runs }: Pick<RunListState, 'runs'>): RunSummary | null {
  const run = runOf(runs);
  return run?.alert ? run : null;
}

/** Those that were broken off since a run ended well, whatever was made or queued since: a backend that is killed breaks off all that were active. */
function brokenOff(runs: readonly RunSummary[]): RunSummary[] {
  const ended = runs.filter(({ ended_at }) => ended_at !== null).sort((a, b) => b.ended_at! - a.ended_at!);
  const well = ended.findIndex(({ state }) => state !== 'interrupted' && state !== 'failed');
  return well < 0 ? ended : ended.slice(0, well);
}

/** `computing`: the evaluation that is going on. */
export function statusOf(
  state: RunListState,
  connection: ConnectionState,
  computing: EvalSummary | null = null,
): { text: string; title: string } {
  const { status, error, server, runs } = state;
  if (status === 'error') return { text: 'Med-R1 ⚠ backend not reached', title: `${error?.message ?? ''} ${error?.remedy ?? ''}`.trim() };
  if (status === 'loading') return { text: 'Med-R1 …', title: 'Med-R1: connecting to the backend' };
  const run = runOf(runs);
  const parts = ['Med-R1'];
  const broken = run || computing ? [] : brokenOff(runs);
  if (broken.length > 0) {
    const [first, ...more] = broken;
    parts[0] = `Med-R1 ${STATES[first.state].glyph} ${inSentence(first.name)}: ${first.state} at step ${integer(first.step)}`;
    if (more.length > 0) parts[0] += `, and ${integer(more.length)} more`;
  } else if (!run && computing) parts[0] = 'Med-R1';
  else if (!run) parts[0] = runs.length > 0 ? 'Med-R1 ○ no run is active' : 'Med-R1 ○ no runs';
  else {
    const facts = STATES[run.state];
    parts[0] = `Med-R1 ${facts.glyph} ${facts.label === 'running' ? '' : `${facts.label} `}step ${integer(run.step)}/${integer(run.total_steps)}`;
    if (run.reward !== null) parts.push(`reward ${number(run.reward)}`);
    if (run.alert) parts[0] = parts[0].replace('Med-R1', 'Med-R1 ⚠');
    if (run.state === 'running' && run.rollouts_per_s !== null) parts.push(`${number(run.rollouts_per_s)} rollouts/s`);
  }
  for (const one of runs)
    if (one !== run && one.state === 'paused' && one.error)
      parts.push(`⚠ ${inSentence(one.name)}: paused by an error at step ${integer(one.step)}`);
  if (computing)
    parts.push(`● evaluates ${inSentence(computing.run_name ?? computing.name)} ${integer(computing.done)}/${integer(computing.total)}`);
  const device = server?.device;
  if ((run || computing) && device && device.memory_used !== null && device.memory_total !== null)
    parts.push(`${device.kind.toUpperCase()} ${bytes(device.memory_used)} / ${bytes(device.memory_total)}`);
  if (connection === 'polling') parts.push('polling');
  else if (!isLive(connection)) parts.push(`⚠ ${connection}`);
  const alert = run?.alert ? `Alert at step ${integer(run.alert.step)}: ${told(run.alert)} ` : '';
  return {
    text: parts.join(' · '),
    title: `${alert}${run ? `${inSentence(run.name)}. ` : ''}${connection === 'polling' ? `${POLLING} ` : ''}Click for ${run?.alert ? 'its alerts' : 'the Runs panel'}.`,
  };
}
