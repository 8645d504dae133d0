/**
 * Sampling: each prompt is encoded and prefilled once, its keys and values are given to its n completions, and all rows
 * are decoded together on a static cache. Rows that have ended are dropped from the batch now and then.
 */
import { generator as newGenerator, type Generator } from '../../torch/index.ts';
import { DecodeState, type Decoding } from './decode-state.ts';
import { errors } from '../errors.ts';
import type { Model } from '../model.ts';
import type { EncodedPrompt } from '../prompt.ts';
import type { SamplingOptions } from './sampling.ts';
import { decodesStatically, StaticDecode } from './static-decode.ts';

export interface GenerateOptions extends SamplingOptions {
  /** Completions per prompt. Default 1. */
  n?: number;
  /** Default 256. */
  maxNewTokens?: number;
  /** Default: the model's eos_token_id; give the processor's, which also knows generation_config.json. */
  eosTokenIds?: number[];
  /** Never drawn. Image and video placeholders never are. */
  suppressTokenIds?: number[];
  /** Draws are the same for the same seed, prompts and settings. Default: torch's global generator. */
  seed?: number;
  generator?: Generator;
  /** Steps of static shapes over a cache that the model keeps (static-decode.ts). Default: where they can be recorded as CUDA graphs. */
  staticCache?: boolean;
  /** Called as tokens become known, in order within a completion. */
  onToken?: (at: { prompt: number; completion: number; tokenId: number; logprob: number }) => void;
  signal?: AbortSignal;
}

export interface Completion {
  /** The end token included, when there is one. */
  tokenIds: number[];
  /** Of the drawn tokens under softmax(logits / temperature), before truncation: what groupLogps gives at that temperature. */
  logprobs: number[];
  finishReason: 'stop' | 'length';
}

const BREATH_MS = 20; // how long other work of the process may wait
const KEEP_SHARE = 0.7; // ended rows are dropped when fewer than this share go on
const CUDA_SYNC_STEPS = 8; // reading tokens waits for the device, so not at every step

/** Completions of each prompt: [prompt][n]. Throws MODEL_LOGITS_NOT_FINITE where the model gives no probabilities. */
export async function generate(model: Model, prompts: EncodedPrompt[], options: GenerateOptions = {}): Promise<Completion[][]> {
  const { n = 1, maxNewTokens = 256, signal } = options;
  check(options);
  const completions = prompts.map(() =>
    Array.from({ length: n }, (): Completion => ({ tokenIds: [], logprobs: [], finishReason: 'length' })),
  );
  if (completions.flat().length === 0) return completions;

  const eos = new Set(options.eosTokenIds ?? [model.config.text_config.eos_token_id ?? []].flat());
  const { image_token_id, video_token_id = image_token_id } = model.config;
  const random = options.generator ?? (options.seed === undefined ? null : newGenerator(options.seed, model.device));
  const never = [image_token_id, video_token_id, ...(options.suppressTokenIds ?? [])];
  const syncSteps = model.device === 'cpu' ? 1 : CUDA_SYNC_STEPS;
  const how = { ...options, never, random, syncSteps };
  using state: Decoding = decodesStatically(model, options.staticCache)
    ? new StaticDecode(model, prompts, n, maxNewTokens, how)
    : new DecodeState(model, prompts, n, maxNewTokens, how);

  let rows = Array.from({ length: prompts.length * n }, (_, row) => row); // what each row of the batch writes
  let breath = performance.now();
  for (let step = 1; ; step++) {
    signal?.throwIfAborted();
    if (step % syncSteps === 0 || step === maxNewTokens) {
      record(state.read(), rows, completions, eos, options);
      const alive = rows.flatMap((row, i) => (completions[Math.floor(row / n)][row % n].finishReason === 'stop' ? [] : [i]));
      if (step === maxNewTokens || alive.length === 0) return completions;
      if (alive.length < KEEP_SHARE * rows.length) {
        state.keepRows(alive);
        rows = alive.map((i) => rows[i]);
      }
    }
    state.advance();
    if (performance.now() - breath > BREATH_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      breath = performance.now();
    }
  }
}

/** Appends tokens drawn since the last reading; what a row draws after its end is ignored. Throws MODEL_LOGITS_NOT_FINITE. */
function record(
  drawn: { ids: number[]; logprobs: Float32Array }[],
  rows: number[],
  completions: Completion[][],
  eos: Set<number>,
  { n = 1, onToken }: GenerateOptions,
): void {
  for (const { ids, logprobs } of drawn) {
    rows.forEach((row, i) => {
      const [prompt, completion] = [Math.floor(row / n), row % n];
      const into = completions[prompt][completion];
      if (into.finishReason === 'stop') return;
      if (Number.isNaN(logprobs[i])) throw errors.logitsNotFinite(prompt, into.tokenIds.length);
      into.tokenIds.push(ids[i]);
      into.logprobs.push(logprobs[i]);
      if (eos.has(ids[i])) into.finishReason = 'stop';
      onToken?.({ prompt, completion, tokenId: ids[i], logprob: logprobs[i] });
    });
  }
}

function check({ n = 1, maxNewTokens = 256, temperature = 1, topP, topK, minP, repetitionPenalty }: GenerateOptions): void {
  const wrong = [
    !(Number.isInteger(n) && n >= 0) && `n ${n} is not a whole number`,
    !(Number.isInteger(maxNewTokens) && maxNewTokens >= 1) && `maxNewTokens ${maxNewTokens} is not a positive whole number`,
    !(temperature > 0) && `temperature ${temperature} is not above 0`,
    topP !== undefined && !(topP > 0 && topP <= 1) && `topP ${topP} is not in (0, 1]`,
    topK !== undefined && !(Number.isInteger(topK) && topK >= 1) && `topK ${topK} is not a positive whole number`,
    minP !== undefined && !(minP >= 0 && minP <= 1) && `minP ${minP} is not in [0, 1]`,
    repetitionPenalty !== undefined && !(repetitionPenalty > 0) && `repetitionPenalty ${repetitionPenalty} is not above 0`,
  ].filter((problem) => problem !== false);
  if (wrong.length > 0)
    throw errors.badArgument(wrong.join('; '), 'Correct the setting; `greedy` takes the most probable token at every step.');
}
