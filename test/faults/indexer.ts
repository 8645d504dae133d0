/**
 * Indexes a data set, to be disturbed: `node indexer.ts DIR NAME HOME`. For a control: with FAULT_UNBOUND each statement stands by itself, as if nobody
 * had thought of transactions.
 */
import { DatabaseSync } from 'node:sqlite';
import { buildIndex } from '../../kernel-bridge/src/data/index/build.ts';

if (process.env.FAULT_UNBOUND) {
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    if (!/^(BEGIN|COMMIT|ROLLBACK)/.test(sql)) exec.call(this, sql);
  };
}
const [dir, name, home] = process.argv.slice(2);
await buildIndex(dir, { name, home });
