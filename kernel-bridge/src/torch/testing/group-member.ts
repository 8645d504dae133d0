/** One member of a process group, for process-group.test.ts: `node group-member.ts TASK RANK SIZE FILE SECONDS`. Prints its result as JSON. */
import { WorkbenchError } from '../../protocol/errors.ts';
import { generator, ProcessGroup, setNumThreads, torch, type Tensor } from '../index.ts';

const [task, file] = [process.argv[2], process.argv[5]];
const [rank, size, timeout] = [3, 4, 6].map((place) => Number(process.argv[place]));
setNumThreads(1);
let group: ProcessGroup;

/** What a member adds to the sum; every member can make everybody's. */
const addend = (of: number): Tensor => torch.randn([1001], { generator: generator(of + 1, 'cpu'), dtype: 'float32' }) as Tensor;

const tasks: Record<string, () => unknown> = {
  gather: () =>
    group.gather({ rank, text: 'ß'.repeat(rank), big: new Float64Array([NaN, rank]) }).map(({ text, big }) => [text.length, big[1]]),
  broadcast: () => group.broadcast(rank === 0 ? { said: 'by 0' } : { said: 'by another' }),
  sum: () => {
    const all = Array.from({ length: size }, (_, of) => addend(of));
    const tree = torch.add(torch.add(all[0], all[1]), torch.add(all[2], all[3]));
    const line = all.reduce((sum, one) => torch.add(sum, one));
    const parts = Array.from({ length: size }, () => addend(rank)); // the same for each member
    const sum = group.reduceScatter(torch.cat(parts));
    return { tree: torch.equal(sum, tree), line: torch.equal(sum, line) };
  },
  send: () =>
    (['bfloat16', 'int16', 'uint8'] as const).map((dtype) => {
      const made = torch.arange(6, { dtype }).to({ dtype });
      const came = group.toFirst(2, rank === 2 ? torch.reshape(made, [2, 3]) : null, { shape: [2, 3], dtype });
      return came && [came.dtype, came.shape, Array.from(came.toFloat32())];
    }),
  lost: () => {
    if (rank === 1) process.kill(process.pid, 'SIGKILL');
    return group.gather(rank);
  },
  late: () => {
    group.limit(1);
    if (rank === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
    return group.gather(rank);
  },
};

try {
  group = new ProcessGroup({ name: 'test', rank, size, timeout, rendezvous: { file, host: '127.0.0.1' } });
  console.log(JSON.stringify(tasks[task]()));
} catch (error) {
  console.log(JSON.stringify({ code: error instanceof WorkbenchError ? error.code : String(error), message: (error as Error).message }));
}
process.exit(0);
