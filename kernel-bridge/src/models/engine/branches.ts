/**
 * A completion that goes through the model once, and short continuations that leave it at different places: what would have been said if it had been
 * cut there. Linear layers see completion and continuations as one stack of rows; a continuation attends to what comes before its cut, and to itself.
 */
import { noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { blocksOf } from './blocks.ts';
import { decode, logitsOf } from './decoder.ts';
import { errors } from '../errors.ts';
import { attentionMask } from './group-logps.ts';
import { attention, gatherRows } from './layers.ts';
import type { Model } from '../model.ts';
import { checkIds, embed, layOut, rotationAt } from './prefix.ts';
import type { EncodedPrompt } from '../prompt.ts';

/** `ids` in place of all that the completion says after its first `after` tokens. */
export interface Branch {
  after: number;
  ids: readonly number[];
}

/** What is to be said next: after the first `tokens` tokens of the completion, or of branch `branch`. */
export interface NextToken {
  branch?: number;
  tokens: number;
}

/** Logits over the vocabulary that are held at once, in numbers. */
const TILE = 1 << 24;

/**
 * Calls `read` with log-probabilities [m, V] of the next token at these places, in order, a tile at a time; `from` is the place of its first row.
 * @param temperature logits are divided by it
 */
export function nextTokens(
  model: Model,
  prompt: EncodedPrompt,
  completion: readonly number[],
  branches: readonly Branch[],
  places: readonly NextToken[],
  read: (logps: Tensor, from: number) => void,
  temperature = 1,
): void {
  const wrong = branches.find(({ after }) => after < 0 || after > completion.length);
  if (wrong) throw errors.badArgument(`a branch leaves after ${wrong.after} of ${completion.length} tokens`, 'Cut within the completion.');
  scope(() =>
    noGrad(() => {
      const { hidden, rowOf } = hiddenOf(model, prompt, completion, branches);
      const tile = Math.max(1, Math.floor(TILE / model.config.text_config.vocab_size));
      for (let from = 0; from < places.length; from += tile) {
        scope(() => {
          const rows = places.slice(from, from + tile).map(rowOf);
          const logits = logitsOf(model, gatherRows(hidden, tensor(rows, { dtype: 'int64', device: model.device }))).to({
            dtype: 'float32',
          });
          read(torch.log_softmax(temperature === 1 ? logits : torch.div(logits, temperature), -1), from);
        });
      }
    }),
  );
}

/** Hidden states of prompt, completion and branches, and the row after which a next token comes. */
function hiddenOf(
  model: Model,
  prompt: EncodedPrompt,
  completion: readonly number[],
  branches: readonly Branch[],
): { hidden: Tensor; rowOf: (place: NextToken) => number } {
  const { device } = model;
  const P = prompt.inputIds.length;
  const trunk = layOut(model, [{ ...prompt, inputIds: [...prompt.inputIds, ...completion] }]);
  const ids = branches.map((branch) => [...branch.ids]);
  ids.forEach((branch, n) => checkIds(model, branch, `branch ${n}`));
  const own = blocksOf(
    ids.map(({ length }) => length),
    device,
  );
  const first = trunk.nextPositions[0] - completion.length; // position of the completion's first token
  const following = own.fill(
    branches.map(({ after, ids: branch }) => branch.map((_, t) => first + after + t)),
    0,
  );
  const turn = rotationAt(
    model,
    trunk.axes.map((axis) => [...axis, ...following]),
  );
  const mask =
    own.L === 0
      ? null
      : attentionMask(
          branches.map(({ after }) => P + after),
          P + completion.length,
          own.L,
          model,
        );
  const hidden = decode(model, embed(model, [...trunk.ids, ...own.fill(ids, 0)], trunk), turn, (_layer, q, k, v) => {
    const before = (t: Tensor): Tensor => trunk.blocks.toBlock(torch.narrow(t, 0, 0, trunk.blocks.rows));
    const [kt, vt] = [before(k), before(v)]; // [1, P + T, Hkv, D]
    const said = trunk.blocks.toRows(attention(before(q), kt, vt, { causal: true }));
    if (mask === null) return said;
    const rest = (t: Tensor): Tensor => own.toBlock(torch.narrow(t, 0, trunk.blocks.rows, own.rows));
    const each = (block: Tensor): Tensor => torch.expand(block, [own.B, ...block.shape.slice(1)]);
    const keys = torch.cat([each(kt), rest(k)], 1); // [N, P + T + S, Hkv, D]
    const values = torch.cat([each(vt), rest(v)], 1);
    return torch.cat([said, own.toRows(attention(rest(q), keys, values, { mask }))], 0);
  });
  const rowOf = ({ branch, tokens }: NextToken): number =>
    branch === undefined || tokens === 0
      ? trunk.blocks.row(0, P + (branch === undefined ? tokens : branches[branch].after) - 1)
      : trunk.blocks.rows + own.row(branch, tokens - 1);
  return { hidden, rowOf };
}
