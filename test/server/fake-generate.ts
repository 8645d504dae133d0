/** A real generation process around no model: a directory's name answers for it. */
import { basename } from 'node:path';
import { work } from '../../kernel-bridge/src/worker/frame.ts';
import { answering } from '../../kernel-bridge/src/worker/work.ts';
import { fakeAnswer, fakeExplained } from './fake-trainer.ts';

let opened = 0;
await work(
  answering(async ({ path }) => {
    const who = `${basename(path)} (pid ${process.pid}, opened ${++opened})`;
    return {
      answer: (ask, signal) => fakeAnswer(ask, who, signal),
      explain: (ask, signal) => fakeExplained(ask, who, signal),
      [Symbol.dispose]: () => {},
    };
  }),
);
