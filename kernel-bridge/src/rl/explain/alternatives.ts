/** What could have been said in place of each token: the most probable tokens there, and how the one that was said stands among them. */
import { nextTokens } from '../../models/index.ts';
import type { Alternatives } from '../../protocol/index.ts';
import { tensor, torch } from '../../torch/index.ts';
import type { Said } from './said.ts';

export function alternatives(
  { model, processor, prompt, ids }: Pick<Said, 'model' | 'processor' | 'prompt' | 'ids'>,
  { top, temperature }: { top: number; temperature: number },
): Pick<Alternatives, 'temperature' | 'places'> {
  const places: Alternatives['places'] = [];
  const k = Math.min(top, model.config.text_config.vocab_size);
  const known = new Map<number, string>();
  const textOf = (id: number): string => {
    const text = known.get(id) ?? processor.decode([id]);
    known.set(id, text);
    return text;
  };
  nextTokens(
    model,
    prompt,
    ids,
    [],
    ids.map((_, tokens) => ({ tokens })),
    (logps, from) => {
      const m = logps.shape[0];
      const said = tensor(ids.slice(from, from + m), { dtype: 'int64', shape: [m, 1], device: model.device });
      const own = torch.gather(logps, 1, said); // [m, 1]
      const ahead = torch.sum(torch.gt(logps, own), [1]); // [m]
      const entropy = torch.neg(torch.sum(torch.mul(torch.exp(logps), logps), [1])); // [m]; suppressed tokens are none: no logit is -inf here
      const [values, indices] = torch.topk(logps, k, 1); // [m, k]
      const [logprobs, bests] = [values.toFloat32(), indices.tolist() as number[][]];
      const [owns, ranks, spreads] = [own.toFloat32(), ahead.tolist() as number[], entropy.toFloat32()];
      for (let i = 0; i < m; i++)
        places.push({
          logprob: owns[i],
          rank: ranks[i] + 1,
          entropy: spreads[i],
          top: bests[i].map((id, j) => ({ id, text: textOf(id), logprob: logprobs[i * k + j] })),
        });
    },
    temperature,
  );
  return { temperature, places };
}
