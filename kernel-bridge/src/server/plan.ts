/** What a run would take of this machine: for the server, and for commands without one. */
import { machine } from '../machine.ts';
import type { Estimate } from '../protocol/rest.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { loadItems as read } from '../data/load.ts';
import { trainFilter, type LoadItems } from '../runs/runs.ts';
import type { DevicePool } from './device-pool.ts';

/** `loadItems`: the caller's, which may know some already. Bytes and seconds as of `Estimate`; throws where model or data cannot be read. */
export async function planOf(home: string, pool: DevicePool, config: TrainConfig, loadItems: LoadItems = read): Promise<Estimate> {
  // a server plans seldom, and starts often
  const [{ estimate }, { measuredSpeed }, { sampledPixels }] = await Promise.all([
    import('../runs/estimate.ts'),
    import('../runs/speed.ts'),
    import('../data/image/sizes.ts'),
  ]);
  const { items, root } = await loadItems(config.dataset_name, trainFilter(config, home));
  const device = pool.kindOf(config.device);
  return estimate(config, items, {
    device,
    availableBytes: device === 'cuda' ? await pool.mostFree(config.device) : machine().available,
    imagePixels: await sampledPixels(root, items),
    speed: measuredSpeed(home, config, device),
  });
}
