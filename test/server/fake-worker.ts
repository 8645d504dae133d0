/** A real worker process around the fake trainer. */
import { workerProcess } from '../../kernel-bridge/src/worker/process.ts';
import { createFakeTrainer, fakeLoadItems } from './fake-trainer.ts';

await workerProcess(createFakeTrainer, fakeLoadItems);
