/** A real worker process around the fake trainer. */
import { work } from '../../kernel-bridge/src/worker/frame.ts';
import { training } from '../../kernel-bridge/src/worker/work.ts';
import { createFakeTrainer, fakeLoadItems } from './fake-trainer.ts';

await work(training(createFakeTrainer, fakeLoadItems));
