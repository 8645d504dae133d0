/** The same run by one process and by two with a GPU each: gradients and weights go from GPU to GPU, by NCCL. A rehearsal links its devices likewise. */
import { deviceCount } from '../src/torch/index.ts';
import { oneAgainstTwo } from './one-against-two.ts';
import { answer, settingOf } from './part.ts';

const { directory, rehearse } = await settingOf(process.argv[2]);
if (!rehearse && deviceCount('cuda') < 2) answer({ ok: true, skipped: 'one GPU' });
else {
  const seen = await oneAgainstTwo(rehearse ? 'testing:0' : 'cuda', directory);
  answer({ ...seen, ok: seen.ok && seen.unlinked === null });
}
