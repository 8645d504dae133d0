/** From RGB pixels to the patches that the vision tower takes, value for value as transformers' Qwen2VLImageProcessor. */
import { scope, tensor, torch } from '../../../torch/index.ts';
import type { RawImage } from '../../image.ts';
import type { ConfigJson } from '../../family.ts';
import type { ImageProcessorConfig } from '../../model.ts';
import type { EncodedImage, Grid } from '../../prompt.ts';
import { errors } from '../../errors.ts';

/** Steps that every image goes through here, with transformers' value of each; `resample` 3 is bicubic. */
const FIXED = { do_resize: true, do_rescale: true, do_normalize: true, do_convert_rgb: true, resample: 3 };

/** Keys left out take transformers' defaults. `where` names the file in errors: a step set otherwise would change every pixel unnoticed. */
export function parseImageProcessorConfig(json: ConfigJson, where = 'preprocessor_config.json'): ImageProcessorConfig {
  const others = Object.entries(FIXED).filter(([key, value]) => (json[key] ?? value) !== value);
  if (others.length > 0) {
    const seen = others.map(([key]) => `${key} is ${JSON.stringify(json[key])}`).join('; ');
    throw errors.unsupported(`${where}: ${seen}`, others.map(([key, value]) => `${key} ${value}`).join(', '));
  }
  const size = json.size ?? {};
  const config: ImageProcessorConfig = {
    patch_size: json.patch_size ?? 14,
    temporal_patch_size: json.temporal_patch_size ?? 2,
    merge_size: json.merge_size ?? 2,
    min_pixels: json.min_pixels ?? size.shortest_edge ?? size.min_pixels ?? 56 * 56,
    max_pixels: json.max_pixels ?? size.longest_edge ?? size.max_pixels ?? 28 * 28 * 1280,
    rescale_factor: json.rescale_factor ?? 1 / 255,
    image_mean: json.image_mean ?? [0.48145466, 0.4578275, 0.40821073],
    image_std: json.image_std ?? [0.26862954, 0.26130258, 0.27577711],
  };
  const problem = problemOf(config);
  if (problem !== null) throw errors.badPreprocessor(where, problem);
  return config;
}

/** Numbers under which no image could be resized, or only to something that is no number. */
function problemOf(config: ImageProcessorConfig): string | null {
  const positive = ['patch_size', 'temporal_patch_size', 'merge_size', 'min_pixels', 'max_pixels', 'rescale_factor'] as const;
  for (const key of positive) {
    const value: unknown = config[key];
    const whole = key === 'rescale_factor' || Number.isInteger(value);
    if (typeof value !== 'number' || !(value > 0) || !whole) return `${key} is ${JSON.stringify(value)}, which is no number above 0`;
  }
  for (const key of ['image_mean', 'image_std'] as const) {
    const value: unknown = config[key];
    const fits = (x: unknown): boolean => typeof x === 'number' && (key === 'image_mean' || x > 0);
    if (!Array.isArray(value) || value.length !== 3 || !value.every(fits))
      return `${key} is ${JSON.stringify(value)}, not three numbers${key === 'image_std' ? ' above 0' : ''}`;
  }
  const { min_pixels, max_pixels } = config;
  return min_pixels > max_pixels ? `min_pixels ${min_pixels} exceeds max_pixels ${max_pixels}` : null;
}

/**
 * The size to resize to: sides divisible by `factor`, area within [minPixels, maxPixels], aspect kept as well as that allows.
 * As transformers' smart_resize, Python's rounding of halves to even included.
 */
export function smartResize(
  height: number,
  width: number,
  factor: number,
  minPixels: number,
  maxPixels: number,
): [height: number, width: number] {
  const aspect = Math.max(height, width) / Math.min(height, width);
  if (aspect > 200) throw errors.imageShape(`of ${width} x ${height}`, `absolute aspect ratio must be smaller than 200, got ${aspect}`);
  const h = roundHalfToEven(height / factor) * factor;
  const w = roundHalfToEven(width / factor) * factor;
  if (h * w > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return [Math.max(factor, Math.floor(height / beta / factor) * factor), Math.max(factor, Math.floor(width / beta / factor) * factor)];
  }
  if (h * w < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return [Math.ceil((height * beta) / factor) * factor, Math.ceil((width * beta) / factor) * factor];
  }
  return [h, w];
}

function roundHalfToEven(x: number): number {
  const rounded = Math.round(x); // halves go up
  return x % 1 === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** pixelValues [h * w, C * 2 * 14 * 14] float32 on the CPU; it lives until disposed or collected. */
export function encodeImage(image: RawImage, config: ImageProcessorConfig): EncodedImage {
  const { patch_size: patch, merge_size: merge, temporal_patch_size: frames } = config;
  const size = smartResize(image.height, image.width, patch * merge, config.min_pixels, config.max_pixels);
  const [h, w] = size.map((side) => side / patch);
  const pixelValues = scope(() => {
    const bytes = tensor(image.data, { dtype: 'uint8', shape: [image.height, image.width, 3] });
    const planes = torch.contiguous(torch.unsqueeze(torch.permute(bytes, [2, 0, 1]), 0)); // [1, 3, H, W]
    const same = size[0] === image.height && size[1] === image.width;
    const resized = same ? planes : torch._upsample_bicubic2d_aa(planes, size, false);
    // (x / 255 - mean) / std with the division folded into mean and std, as transformers does it.
    const fold = (values: number[]) => torch.mul(tensor(values, { dtype: 'float32', shape: [3, 1, 1] }), 1 / config.rescale_factor);
    const normal = torch.div(torch.sub(resized.to({ dtype: 'float32' }), fold(config.image_mean)), fold(config.image_std));
    const split = torch.reshape(normal, [3, h / merge, merge, patch, w / merge, merge, patch]);
    const grouped = torch.permute(split, [1, 4, 2, 5, 0, 3, 6]); // [h/2, w/2, 2, 2, C, 14, 14]: 2x2 neighbours together
    // A still image fills both frames of a temporal patch.
    const filled = torch.expand(torch.unsqueeze(grouped, 5), [h / merge, w / merge, merge, merge, 3, frames, patch, patch]);
    return torch.reshape(filled, [h * w, 3 * frames * patch * patch]);
  });
  const grid: Grid = [1, h, w];
  return { pixelValues, grid };
}
