/** Property tests draw the same cases each time, so that a change is judged by itself; FC_SEED=random (or a number) draws others. */
import fc from 'fast-check';

const { FC_SEED } = process.env;
if (FC_SEED !== 'random') fc.configureGlobal({ seed: Number(FC_SEED ?? 20261128) });
