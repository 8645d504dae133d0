/** Looks whether a run holds what was written to it: SQLite's own check of the file, then the digests over its rows. */
import { join } from 'node:path';
import { machineRefusal } from '../log/errors.ts';
import { verifyCheckpoint } from './checkpoints.ts';
import { firstDamage, isSealed, type Damage } from './digest.ts';
import { errors } from './errors.ts';
import type { RunStore } from './store.ts';

/**
 * Throws RUN_DAMAGED with the last step that holds and what to go on from. `upTo`, `waiting`: as `firstDamage` has them. `named`: the run that
 * the error is about, where `run` is a copy of it.
 */
export async function checkRun(run: RunStore, options: { upTo?: number; waiting?: boolean } = {}, named = run): Promise<void> {
  const structure = structuralDamage(run);
  const damage = await firstDamage(run.db, options).catch((error: unknown): Damage => ({ step: 0, what: unreadable(run, error) }));
  if (structure !== null || damage !== null) throw damaged(run, named, structure, damage);
  if (options.upTo === undefined) requireLastStep(run, named);
}

/** Throws RUN_DAMAGED where the database lacks steps that were committed. Whoever goes on from it would remove the checkpoints of these. */
export function requireLastStep(run: RunStore, named = run): void {
  const { missing } = run;
  if (missing === null) return;
  const what = `it was trained up to step ${missing}, and its journal run.db-wal is not the one that it had then`;
  throw damaged(run, named, null, { step: run.step + 1, what }, 'Where that run.db-wal is to be had, put it beside run.db. Else:');
}

/** All names are in small letters. SQLite looks a column up in either case, but a reader of whole rows does not find it any more. */
const RENAMED = `SELECT t.name AS "table", c.name AS "column" FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
  WHERE t.type = 'table' AND c.name <> lower(c.name)`;

function structuralDamage(run: RunStore): string | null {
  try {
    const [{ integrity_check }] = run.db.prepare('PRAGMA integrity_check(1)').all() as { integrity_check: string }[];
    if (integrity_check !== 'ok') return integrity_check;
    const renamed = run.db.prepare(RENAMED).get();
    return renamed === undefined ? null : `column ${renamed.column} of ${renamed.table} has another name`;
  } catch (error) {
    return unreadable(run, error);
  }
}

/** What SQLite says of a file that holds other things than it should. Throws by its name what the machine refused, such as a disk that fails. */
function unreadable(run: RunStore, error: unknown): string {
  const named = machineRefusal(join(run.directory, 'run.db'), error);
  if (named) throw named;
  return error instanceof Error ? error.message : String(error);
}

/** What `medr1 runs verify` tells of a run that holds. Throws RUN_DAMAGED, and CHECKPOINT_DAMAGED of the first checkpoint that is. */
export async function verifyRun(
  run: RunStore,
): Promise<{ run: string; digests: boolean; steps: number; events: number; checkpoints: number[] }> {
  await checkRun(run);
  const checkpoints = run.checkpoints();
  for (const { path, step } of checkpoints) await verifyCheckpoint(path, step);
  const { id } = run.row();
  return { run: id, digests: isSealed(run.db), steps: run.step, events: run.seq, checkpoints: checkpoints.map(({ step }) => step) };
}

/** What is known of a damaged run is read from it as far as that goes. */
function damaged(run: RunStore, named: RunStore, structure: string | null, damage: Damage | null, first?: string) {
  const read = <T>(ask: () => T, otherwise: T): T => {
    try {
      return ask();
    } catch {
      return otherwise;
    }
  };
  const id = read(() => named.row().id, named.directory);
  const last = read(() => run.step, 0);
  const good = damage === null ? last : Math.max(0, damage.step - 1);
  const holds = damage?.step !== 0;
  const from = read(() => named.checkpoints(), []).findLast(({ step }) => step <= good)?.step ?? null;
  return errors.rowsDamaged({ id, structure, damage, last, good, from: holds ? from : null, first });
}
