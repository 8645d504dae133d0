/** What the machine can do, measured on the spot: node machine.ts JOB.json prints a Machine for the job's dtype and device. */
import { readFileSync } from 'node:fs';
import { cuda, noGrad, scope, torch } from '../../src/torch/index.ts';
import type { Job } from './job.ts';
import type { Machine } from './roofline.ts';

function measure({ dtype, device }: Job): Machine {
  const [side, bytes] = device === 'cpu' ? [1024, 2 ** 28] : [8192, 2 ** 32];
  const seconds = (work: () => unknown): number => {
    const times: number[] = [];
    const enough = performance.now() + 1000;
    while (times.length < 3 || performance.now() < enough) {
      const start = performance.now();
      scope(() => void work());
      if (device !== 'cpu') cuda.synchronize();
      times.push((performance.now() - start) / 1000);
    }
    return Math.min(...times);
  };
  return noGrad(() =>
    scope(() => {
      const flops = [...new Set([dtype, 'float32' as const])].map((type) => {
        const a = torch.ones([side, side], { dtype: type, device });
        return (2 * side ** 3) / seconds(() => torch.mm(a, a));
      });
      const long = torch.ones([bytes / 4], { dtype: 'float32', device });
      return { flops: Math.max(...flops), bytes_per_s: bytes / seconds(() => torch.sum(long)) };
    }),
  );
}

console.log(JSON.stringify(measure(JSON.parse(readFileSync(process.argv[2], 'utf8')) as Job)));
