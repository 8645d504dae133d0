/** What jobs need of a device, by the planner's estimate. Where it cannot tell (a model that is gone, say), 0: the job itself will name what is wrong. */
import type { TrainConfig } from '../protocol/config.ts';
import type { EvalSettings } from '../protocol/evals.ts';
import type { AnyAsk } from '../protocol/channel.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { answeringBytes, estimate, type Asking } from '../runs/estimate.ts';
import { trainFilter, type LoadItems } from '../runs/runs.ts';
import type { DevicePool } from './device-pool.ts';

/** The image processor's own limit in Qwen2-VL's files as Med-R1 has them. */
const MAX_PIXELS = 401408;
/** Of attribution.ts. */
const SIDE_BY_SIDE = 8;
/** Tokens of a text that is not encoded yet. */
const LONG = 1024;

export class Needs {
  readonly #home: string;
  readonly #loadItems: LoadItems;
  readonly #pool: DevicePool;

  constructor(home: string, loadItems: LoadItems, pool: DevicePool) {
    this.#home = home;
    this.#loadItems = loadItems;
    this.#pool = pool;
  }

  async ofRun(config: TrainConfig): Promise<number> {
    const { sampledPixels } = await import('../data/image/sizes.ts'); // decodes images
    const { items, root } = await this.#loadItems(config.dataset_name, trainFilter(config, this.#home));
    const imagePixels = await sampledPixels(root, items);
    const { total_bytes, processes = 1 } = estimate(config, items, { device: this.#pool.kindOf(config.device), imagePixels });
    return (total_bytes * processes) / (config.devices ?? 1);
  }

  ofEvaluation({ model, dtype, device, batch_size: batch, max_new_tokens, max_pixels }: EvalSettings): number {
    return this.#asking({ model, dtype, batch, max_new_tokens, max_pixels: max_pixels ?? MAX_PIXELS }, device);
  }

  ofAnswer({ path: model, dtype, device }: ModelSource, ask: AnyAsk): number {
    // a completion that is run again takes what its tokens take, several times over where images or cuts go side by side
    const [batch, max_new_tokens] = 'explain' in ask ? [SIDE_BY_SIDE, ask.token_ids?.length ?? LONG] : [ask.num, ask.max_new_tokens];
    return this.#asking({ model, dtype, batch, max_new_tokens, max_pixels: ask.max_pixels ?? MAX_PIXELS }, device);
  }

  #asking(asking: Asking, device: string): number {
    try {
      return answeringBytes(asking, this.#pool.kindOf(device));
    } catch {
      return 0;
    }
  }
}
