/** The way from a worker to kernels: its server knows them, and is asked over the process's channel. */
import type { ToWorker } from '../protocol/channel.ts';
import type { Scored } from '../protocol/kernels.ts';
import type { AskKernel } from '../rewards/index.ts';

const ABSENT: Scored = { unanswered: 'absent', waited_s: 0 };

export const askServer: AskKernel = (call, { timeout_s = 0 }) =>
  new Promise((resolve) => {
    const settle = (scored: Scored): void => {
      process.off('message', received);
      process.off('disconnect', gone);
      resolve(scored);
    };
    const received = (message: ToWorker): void => {
      if (typeof message === 'object' && message.type === 'scored' && message.key === call.key) settle(message.scored);
    };
    const gone = (): void => settle(ABSENT);
    if (!process.connected) return resolve(ABSENT);
    process.on('message', received);
    process.once('disconnect', gone);
    process.send!({ type: 'score', call, timeout_s }, () => {});
  });
