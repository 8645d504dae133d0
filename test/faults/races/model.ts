/**
 * What a home of runs is to be after each request, as a relation: a state, an operation and its answer give the states that may follow, none where
 * the answer is wrong. Operations that overlapped are right when some order of them explains all their answers and what is found afterwards.
 */
import type { RunAction } from '../../../kernel-bridge/src/protocol/rest.ts';
import type { RunState } from '../../../kernel-bridge/src/protocol/run.ts';

export interface Facts {
  name: string;
  tags: string[];
  notes: string;
  pinned: boolean;
  archived: boolean;
}

export interface Run {
  place: 'home' | 'trash' | 'gone';
  /**
   * new: never asked to start; waits: for a worker; trains: has one; stopping: is to lose it; ended. A run that was rolled back to its last step and
   * asked to go on has no step to make: once it has a worker it ends.
   */
  phase: 'new' | 'waits' | 'trains' | 'stopping' | 'ended';
  paused: boolean;
  finished: boolean;
  step: number;
  total: number;
  /** Checkpoints by step. old: may have been removed, as it is beyond save_total_limit. */
  checkpoints: Record<number, 'kept' | 'pinned' | 'old'>;
  /** Steps from which on a pinned checkpoint was asked for. */
  askedCheckpoints: number[];
  facts: Facts;
  /** Of completions: note by step. */
  noted: Record<number, string>;
  /** The last revision of the rewards; null where it is not known. */
  revision: number | null;
  /** What request ids were used for. */
  requests: Record<string, string>;
}

export interface State {
  runs: Record<string, Run>;
  /** Entry of the trash -> run. */
  trash: Record<string, string>;
  /** Request id -> the run made by it and what was asked. */
  made: Record<string, { run: string; asked: string }>;
}

export type Operation = { run: string; request: string | null } & (
  | { kind: 'create'; name: string; total: number; start: boolean; asked: string }
  | { kind: 'fork'; step: number; total: number; start: boolean; asked: string }
  | { kind: 'annotate'; change: Partial<Facts> & { add_tags?: string[]; remove_tags?: string[] } }
  | { kind: 'action'; action: RunAction }
  | { kind: 'rollback'; step: number }
  | { kind: 'delete' }
  | { kind: 'restore'; entry: string }
  | { kind: 'empty'; entry: string }
  | { kind: 'note'; step: number; text: string }
  | { kind: 'rewards'; base: number; weight: number }
  | { kind: 'read' }
  | { kind: 'step' }
);

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export interface Done {
  operation: Operation;
  answer: Answer;
  /** Another operation held the run's lock for some of the time. */
  contended: boolean;
}

const KEEP = 2;

/** The states that may follow; none where the answer cannot be right. */
export function after(state: State, done: Done): State[] {
  const next = structuredClone(state);
  return apply(next, done) ? [next] : [];
}

/** Changes the state by what the answer says was done. False where the answer is wrong. */
function apply(state: State, { operation, answer, contended }: Done): boolean {
  const { status, body } = answer;
  const code = body.code as string | undefined;
  const refused = (http: number, ...codes: string[]): boolean => status === http && codes.includes(code!);
  const { request } = operation;
  const run = operation.kind === 'create' ? undefined : state.runs[operation.run];
  const here = run?.place === 'home';

  switch (operation.kind) {
    case 'create':
    case 'fork': {
      // a request id is known as long as the run that was made by it is there, or in the trash
      const first = request === null ? undefined : state.made[request];
      const before =
        first && state.runs[first.run].place === 'gone' && code !== 'REQUEST_ID_USED' && body.id !== first.run ? undefined : first;
      if (before && before.asked !== operation.asked) return refused(409, 'REQUEST_ID_USED') || (!here && refused(404, 'RUN_UNKNOWN'));
      const made = status === 200 ? (body.id as string) : undefined;
      if (before && (made === before.run || state.runs[before.run].place !== 'gone'))
        return made === before.run || (!here && refused(404, 'RUN_UNKNOWN'));
      if (made === undefined) {
        if (operation.kind === 'create') return false;
        if (!here) return refused(404, 'RUN_UNKNOWN', 'CHECKPOINT_UNKNOWN');
        if (operation.total <= operation.step && refused(422, 'FORK_ENDED')) return true;
        const known = run!.checkpoints[operation.step];
        if (contended && refused(409, 'RUN_CONFLICT')) return true;
        return (known === undefined || known === 'old' || contended) && refused(404, 'CHECKPOINT_UNKNOWN', 'RUN_UNKNOWN');
      }
      if (made in state.runs) return false;
      if (request !== null) state.made[request] = { run: made, asked: operation.asked };
      const fresh = {
        place: 'home',
        phase: operation.start ? 'waits' : 'new',
        paused: false,
        finished: false,
        askedCheckpoints: [],
      } as const;
      if (operation.kind === 'create') {
        const facts = { name: operation.name, tags: [], notes: '', pinned: false, archived: false };
        state.runs[made] = {
          ...fresh,
          askedCheckpoints: [],
          step: 0,
          total: operation.total,
          checkpoints: {},
          facts,
          noted: {},
          revision: 1,
          requests: {},
        };
        return true;
      }
      const { step, total } = operation;
      if (!here || run!.checkpoints[step] === undefined || total <= step) return false;
      const { tags, notes, name } = run!.facts;
      const facts = { name: `${name} · from ${step}`, tags, notes, pinned: false, archived: false };
      const noted = Object.fromEntries(Object.entries(run!.noted).filter(([at]) => Number(at) <= step));
      const checkpoints = { [step]: run!.checkpoints[step] === 'pinned' ? 'pinned' : 'kept' } as Run['checkpoints'];
      state.runs[made] = {
        ...fresh,
        askedCheckpoints: [],
        step,
        total,
        checkpoints,
        facts: structuredClone(facts),
        noted,
        revision: null,
        requests: {},
      };
      return true;
    }

    case 'annotate': {
      if (!here) return refused(404, 'RUN_UNKNOWN');
      const asked = JSON.stringify(['annotate', operation.change]);
      const known = usedFor(run!, operation, answer);
      if (known !== undefined) return known === asked ? status === 200 : refused(409, 'REQUEST_ID_USED');
      if (status !== 200) return false;
      if (request !== null) run!.requests[request] = asked;
      const { add_tags = [], remove_tags = [], ...rest } = operation.change;
      const tags = [...new Set([...(rest.tags ?? run!.facts.tags), ...add_tags])].filter((tag) => !remove_tags.includes(tag));
      run!.facts = { ...run!.facts, ...rest, tags };
      return true;
    }

    case 'action': {
      if (!here) return refused(404, 'RUN_UNKNOWN');
      const asked = JSON.stringify(['action', operation.action]);
      const known = usedFor(run!, operation, answer);
      if (known !== undefined) return known === asked ? status === 200 : refused(409, 'REQUEST_ID_USED');
      if (status === 200 && request !== null) run!.requests[request] = asked;
      return status === 200
        ? act(run!, operation.action)
        : refused(409, 'RUN_CONFLICT') && (contended || mayRefuse(run!, operation.action));
    }

    case 'rollback': {
      if (!here) return refused(404, 'RUN_UNKNOWN');
      const known = run!.checkpoints[operation.step];
      if (status !== 200) {
        if (refused(409, 'RUN_CONFLICT')) return contended || isAsked(run!);
        return (known === undefined || known === 'old') && refused(404, 'CHECKPOINT_UNKNOWN');
      }
      if (known === undefined || run!.phase === 'trains') return false;
      const checkpoints = Object.fromEntries(Object.entries(run!.checkpoints).filter(([step]) => Number(step) <= operation.step));
      Object.assign(run!, {
        phase: 'ended',
        paused: false,
        finished: false,
        step: operation.step,
        checkpoints,
        askedCheckpoints: [],
        revision: null,
      });
      for (const [id, asked] of Object.entries(run!.requests)) if (asked.startsWith('["rewards"')) run!.requests[id] = DROPPED;
      return true;
    }

    case 'delete':
      if (!here) return refused(404, 'RUN_UNKNOWN');
      if (status !== 200) return refused(409, 'RUN_CONFLICT') && (contended || isAsked(run!));
      if (run!.phase === 'trains') return false;
      if (run!.phase !== 'new') run!.phase = 'ended';
      run!.paused = false;
      run!.place = 'trash';
      state.trash[body.id as string] = operation.run;
      return true;

    case 'restore':
    case 'empty': {
      const of = state.trash[operation.entry];
      if (of === undefined) return refused(404, 'TRASH_UNKNOWN');
      if (status !== 200) return false;
      delete state.trash[operation.entry];
      state.runs[of].place = operation.kind === 'restore' ? 'home' : 'gone';
      return true;
    }

    case 'note':
      if (!here) return refused(404, 'RUN_UNKNOWN');
      if (operation.step > run!.step) return refused(404, 'COMPLETION_UNKNOWN');
      if (status !== 200) return false;
      if (operation.text === '') delete run!.noted[operation.step];
      else run!.noted[operation.step] = operation.text;
      return true;

    case 'rewards': {
      if (!here) return refused(404, 'RUN_UNKNOWN');
      const asked = JSON.stringify(['rewards', operation.base, operation.weight]);
      const known = usedFor(run!, operation, answer);
      if (known !== undefined) return known === asked ? status === 200 : refused(409, 'REQUEST_ID_USED');
      if (status === 200 && request !== null && run!.requests[request] === DROPPED) {
        run!.revision = null; // made anew, or still in force
        return true;
      }
      if (status !== 200) {
        if (refused(409, 'REWARDS_STALE')) return run!.revision === null || run!.revision !== operation.base;
        return refused(422, 'REWARDS_UNCHANGED') || (refused(409, 'RUN_CONFLICT') && run!.finished);
      }
      if ((run!.revision !== null && run!.revision !== operation.base) || body.revision !== operation.base + 1 || run!.finished)
        return false;
      run!.revision = operation.base + 1;
      if (request !== null) run!.requests[request] = asked;
      return true;
    }

    case 'read':
      return here ? status === 200 && same(factsOf(body.summary as Summary), run!.facts) : refused(404, 'RUN_UNKNOWN');

    case 'step':
      if (!run || run.phase === 'new' || run.phase === 'ended' || run.place !== 'home') return false;
      run.step++;
      for (const [step, kind] of Object.entries(run.checkpoints)) {
        if (kind === 'kept' && Number(step) <= run.step - KEEP) run.checkpoints[Number(step)] = 'old';
      }
      run.checkpoints[run.step] = 'kept';
      if (run.step === run.total) {
        run.checkpoints[run.step] = 'pinned';
        Object.assign(run, { phase: 'ended', finished: true, paused: false });
      }
      return true;
  }
}

/** Whether it was asked to train and has not ended for certain. */
const isAsked = ({ phase }: Run): boolean => phase === 'waits' || phase === 'trains' || phase === 'stopping';

/** What the request id was used for; undefined where it was not. An edit that a roll-back may have dropped may have left its id free. */
function usedFor(run: Run, { request }: Operation, { body }: Answer): string | undefined {
  const known = request === null ? undefined : run.requests[request];
  return known === DROPPED && body.code !== 'REQUEST_ID_USED' ? undefined : known;
}
const DROPPED = 'perhaps';

/** An action that was carried out. False where it could not be. */
function act(run: Run, action: RunAction): boolean {
  switch (action) {
    case 'start':
    case 'resume':
      if (run.phase === 'stopping' || run.phase === 'new' || run.phase === 'ended') {
        if (run.finished) return false;
        Object.assign(run, { phase: 'waits', paused: false });
      } else if (action === 'resume') run.paused = false;
      return true;
    case 'stop':
      if (run.phase === 'trains' || run.phase === 'waits') run.phase = 'stopping';
      else if (run.phase === 'new') run.phase = 'ended';
      return true;
    case 'pause':
      if (run.phase !== 'trains' && run.phase !== 'waits') return false;
      run.paused = true;
      run.phase = 'trains';
      return true;
    case 'checkpoint':
      if (run.phase !== 'trains' && run.phase !== 'waits') return false;
      if (run.step > 0) run.askedCheckpoints.push(run.step);
      run.phase = 'trains';
      return true;
  }
}

/** Whether the run may be in a state in which the action means nothing. */
function mayRefuse(run: Run, action: RunAction): boolean {
  switch (action) {
    case 'start':
    case 'resume':
      return run.finished || run.phase === 'stopping' || (run.phase === 'waits' && run.step === run.total);
    case 'stop':
      return false;
    case 'pause':
    case 'checkpoint':
      return run.phase !== 'trains';
  }
}

export interface Summary {
  id: string;
  state: RunState;
  step: number;
  name: string;
  waits_since: number | null;
  annotations: Omit<Facts, 'name'>;
}

export const factsOf = ({ name, annotations: { tags, notes, pinned, archived } }: Summary): Facts => ({
  name,
  tags,
  notes,
  pinned,
  archived,
});

/** What is found when all is quiet. */
export interface Seen {
  runs: Record<
    string,
    { summary: Summary; checkpoints: { step: number; pinned: boolean }[]; noted: Record<number, string>; revision: number }
  >;
  trash: Record<string, string>;
}

/** The state brought to what is seen, where it agrees with it; else what does not. */
export function agree(state: State, seen: Seen): State | string {
  const next = structuredClone(state);
  const here = Object.keys(next.runs).filter((id) => next.runs[id].place === 'home');
  if (!same(here.sort(), Object.keys(seen.runs).sort())) return `runs ${Object.keys(seen.runs).join(', ')}, not ${here.join(', ')}`;
  if (!same(sorted(next.trash), sorted(seen.trash))) return `trash ${JSON.stringify(seen.trash)}, not ${JSON.stringify(next.trash)}`;
  for (const id of here) {
    const run = next.runs[id];
    const { summary, checkpoints, noted, revision } = seen.runs[id];
    const differs = (what: string, found: unknown, wanted: unknown): string =>
      `${what} of ${id} ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
    if (summary.step !== run.step) return differs('step', summary.step, run.step);
    if (!same(factsOf(summary), run.facts)) return differs('facts', factsOf(summary), run.facts);
    if (!same(noted, run.noted)) return differs('notes', noted, run.noted);
    if (run.revision !== null && run.revision !== revision) return differs('revision', revision, run.revision);
    run.revision = revision;
    const phase = phaseOf(summary);
    if (!allowed(run).includes(phase)) return differs('state', phase, allowed(run));
    Object.assign(run, {
      finished: phase === 'finished',
      phase: phase === 'paused' || phase === 'running' ? 'trains' : phase === 'waits' || phase === 'new' ? phase : 'ended',
    });
    const bad = checkpointsDiffer(run, checkpoints);
    if (bad) return differs('checkpoints', checkpoints, bad);
    run.checkpoints = Object.fromEntries(checkpoints.map(({ step, pinned }) => [step, pinned ? 'pinned' : 'kept']));
    run.askedCheckpoints = [];
  }
  return next;
}

function phaseOf({ state, waits_since }: Summary): string {
  return state === 'queued' ? (waits_since === null ? 'new' : 'waits') : state;
}

function allowed({ phase, paused, finished, step, total }: Run): string[] {
  switch (phase) {
    case 'new':
      return ['new'];
    case 'waits':
    case 'trains':
      return [paused ? 'paused' : 'running', 'waits', ...(step === total ? ['finished'] : [])];
    case 'stopping':
      return ['stopped', ...(step === total ? ['finished'] : [])];
    case 'ended':
      return finished ? ['finished'] : ['stopped', 'interrupted'];
  }
}

/** What should be there, where it is not. */
function checkpointsDiffer(run: Run, found: { step: number; pinned: boolean }[]): unknown {
  const by = new Map(found.map(({ step, pinned }) => [step, pinned]));
  const unknown = found.filter(({ step }) => run.checkpoints[step] === undefined && step !== run.step);
  const lost = Object.entries(run.checkpoints).filter(
    ([step, kind]) => kind !== 'old' && !(by.has(Number(step)) && (kind !== 'pinned' || by.get(Number(step)))),
  );
  const unmade = run.askedCheckpoints.filter((from) => !found.some(({ step, pinned }) => pinned && step >= from));
  return unknown.length + lost.length + unmade.length > 0 ? { checkpoints: run.checkpoints, asked: run.askedCheckpoints } : null;
}

/** After the server was closed and started again. */
export function restarted(state: State): State {
  const next = structuredClone(state);
  for (const run of Object.values(next.runs)) if (run.phase === 'trains') Object.assign(run, { phase: 'ended', paused: false });
  return next;
}

const sorted = (record: Record<string, string>): [string, string][] => Object.entries(record).sort();
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The states that some order of the operations leads to; those of one client stand in their order. */
export function orders(states: readonly State[], lanes: readonly (readonly Done[])[]): State[] {
  const found = new Map<string, State>();
  const seen = new Set<string>();
  const walk = (state: State, at: readonly number[]): void => {
    const key = `${at.join()} ${JSON.stringify(state)}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (lanes.every((lane, i) => at[i] === lane.length)) return void found.set(JSON.stringify(state), state);
    lanes.forEach((lane, i) => {
      if (at[i] === lane.length) return;
      const next = at.map((n, k) => (k === i ? n + 1 : n));
      for (const each of after(state, lane[at[i]])) walk(each, next);
    });
  };
  for (const state of states)
    walk(
      state,
      lanes.map(() => 0),
    );
  return [...found.values()];
}
