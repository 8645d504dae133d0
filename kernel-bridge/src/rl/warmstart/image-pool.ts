import { drawLesion, drawScene } from '../../data/sample/draw.ts';
import type { Rgb } from '../../data/sample/png.ts';
import { below, sfc32 } from '../../stats/random.ts';
import type { EncodedImage, Processor } from '../../models/index.ts';
import { DATASETS } from '../../data/sample/world.ts';
import type { Scene } from '../../data/sample/world.ts';

/** Images drawn for the warm start alone, under keys that the sample never uses: none of them is in any sample. */
export interface ImagePool {
  scenes: Scene[];
  images: Rgb[];
}

export function drawPool(name: string, seed: number, size: number): ImagePool {
  const scenes: Scene[] = [];
  const images: Rgb[] = [];
  for (let i = 0; i < size; i++) {
    const rng = sfc32('warm start', name, seed, i);
    const { modality, anatomy } = DATASETS[i % DATASETS.length];
    const scene: Scene = { modality, anatomy, lesion: drawLesion(rng, below(rng, 5)) };
    scenes.push(scene);
    images.push(drawScene(scene, rng));
  }
  return { scenes, images };
}

/** All images as the model takes them, encoded once: doing it anew for each step took a sixth of the time. */
export const encodePool = (pool: ImagePool, processor: Processor): EncodedImage[] =>
  pool.images.map((image) => processor.encodeImage({ ...image, channels: 3 }));
