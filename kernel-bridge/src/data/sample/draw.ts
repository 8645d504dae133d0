import { Canvas, band, box, disc, ellipse, ring, star, turned } from './canvas.ts';
import type { Colour, Shape } from './canvas.ts';
import type { Rgb } from './png.ts';
import { below, between } from '../../stats/random.ts';
import type { Random } from '../../stats/random.ts';
import { FINDINGS, PLACES, SIZES } from './world.ts';
import type { Anatomy, Lesion, Modality, Scene } from './world.ts';

const IMAGE_SIZE = 112;
const MID = IMAGE_SIZE / 2;

/** Draws what the scene says; everything it leaves open (shift, turn, texture, brightness) comes from `rng`. */
export function drawScene(scene: Scene, rng: Random): Rgb {
  const canvas = new Canvas(IMAGE_SIZE);
  BACKGROUNDS[scene.modality](canvas, rng);
  ORGANS[scene.anatomy](canvas, rng, MID + between(rng, -5, 5), MID + between(rng, -5, 5));
  texture(canvas, rng, scene.modality);
  if (scene.lesion) lesion(canvas, rng, scene.lesion);
  light(canvas, rng);
  mark(canvas);
  return canvas.toRgb();
}

const grey = (v: number): Colour => [v, v, v];

/** One look per modality. */
const BACKGROUNDS: Record<Modality, (canvas: Canvas, rng: Random) => void> = {
  CT(canvas, rng) {
    canvas.fill(() => grey(8));
    const [rx, ry] = [between(rng, 46, 52), between(rng, 42, 50)];
    canvas.paint(ellipse(MID, MID, rx, ry), grey(225));
    canvas.paint(ellipse(MID, MID, rx - 5, ry - 5), grey(95));
  },
  MRI(canvas, rng) {
    const [cx, cy, pitch] = [between(rng, 50, 62), between(rng, 50, 62), between(rng, 7, 9)];
    canvas.fill((x, y) => grey(60 + 28 * Math.cos((2 * Math.PI * Math.hypot(x - cx, y - cy)) / pitch)));
  },
  radiograph(canvas, rng) {
    const turn = between(rng, -0.2, 0.2);
    canvas.fill(() => [120, 135, 160]);
    for (let y = 6; y < IMAGE_SIZE; y += 13)
      canvas.paint(
        turned(
          band((x) => y + 0.0025 * (x - MID) ** 2, 2.2),
          MID,
          MID,
          turn,
        ),
        [205, 215, 232],
        0.8,
      );
  },
  ultrasound(canvas, rng) {
    const tip = between(rng, -14, -4);
    canvas.fill((x, y) => {
      const fan = Math.abs(x - MID) < 0.62 * (y - tip) && Math.hypot(x - MID, y - tip) < 118;
      return fan ? grey(20 + 120 * rng() ** 2) : grey(0);
    });
  },
  dermoscopy(canvas, rng) {
    const tone = between(rng, 0.9, 1.05);
    canvas.fill(() => [222 * tone, 172 * tone, 150 * tone]);
    for (let i = 0; i < 7; i++) {
      const [at, slope, bend] = [between(rng, -20, 130), between(rng, -1.2, 1.2), between(rng, -0.006, 0.006)];
      canvas.paint(
        band((x) => at + slope * (x - MID) + bend * (x - MID) ** 2, 0.9),
        [70, 45, 35],
        0.75,
      );
    }
  },
  fundus(canvas, rng) {
    const r = between(rng, 49, 54);
    canvas.fill(() => grey(4));
    canvas.paint(disc(MID, MID, r), [205, 105, 45]);
    const root = between(rng, 30, 80);
    for (let i = 0; i < 6; i++) {
      const [slope, bend] = [between(rng, -1, 1), between(rng, -0.012, 0.012)];
      const vessel = band((x) => root + slope * (x - 12) + bend * (x - 12) ** 2, 1.1);
      canvas.paint((x, y) => Math.max(vessel(x, y), disc(MID, MID, r)(x, y)), [130, 35, 25], 0.9);
    }
  },
  OCT(canvas, rng) {
    canvas.fill(() => grey(15 + 25 * rng()));
    const [amplitude, length, phase] = [between(rng, 2, 6), between(rng, 50, 90), between(rng, 0, 6)];
    for (let y = 30; y <= 95; y += 11)
      canvas.paint(
        band((x) => y + amplitude * Math.sin(x / (length / 6) + phase), 2.6),
        grey(between(rng, 150, 215)),
        0.9,
      );
  },
  microscopy(canvas, rng) {
    canvas.fill(() => [232, 220, 238]);
    for (let i = 0; i < 45; i++) {
      const [x, y, r] = [between(rng, 0, 112), between(rng, 0, 112), between(rng, 2, 4)];
      canvas.paint(disc(x, y, r), [150, 110, 175], 0.8, [x, y, r]);
    }
  },
};

/** Two body parts per modality, each an outline of its own. */
const ORGANS: Record<Anatomy, (canvas: Canvas, rng: Random, cx: number, cy: number) => void> = {
  lung: (canvas, rng, cx, cy) => {
    const ry = between(rng, 24, 30);
    for (const side of [-1, 1]) canvas.paint(ellipse(cx + side * 20, cy, 14, ry), grey(22));
  },
  liver: (canvas, rng, cx, cy) => canvas.paint(turned(ellipse(cx, cy, 36, between(rng, 15, 20)), cx, cy, -0.5), grey(160)),
  brain: (canvas, rng, cx, cy) => {
    canvas.paint(ring(cx, cy, between(rng, 38, 43), 6), grey(215));
    canvas.paint(box(cx, cy, 1.6, 38), grey(15));
  },
  knee: (canvas, rng, cx, cy) => {
    const gap = between(rng, 4, 7);
    for (const side of [-1, 1]) canvas.paint(box(cx, cy + side * (gap + 26), 17, 26), grey(200));
  },
  hand: (canvas, rng, cx, cy) => {
    for (let finger = -2; finger <= 2; finger++) {
      const x = cx + finger * 17;
      canvas.paint(turned(box(x, cy, 3.6, 46 - 5 * Math.abs(finger)), x, cy, between(rng, -0.06, 0.06)), [250, 252, 255]);
    }
  },
  chest: (canvas, rng, cx, cy) => {
    const ry = between(rng, 30, 37);
    for (const side of [-1, 1]) canvas.paint(ellipse(cx + side * 25, cy, 19, ry), [40, 48, 66], 0.85);
    canvas.paint(box(cx, cy, 5, 50), [240, 244, 250], 0.9);
  },
  kidney: (canvas, rng, cx, cy) => {
    const tilt = between(rng, -0.4, 0.4);
    canvas.paint(turned(ellipse(cx, cy, 38, 24), cx, cy, tilt), grey(150), 0.75);
    canvas.paint(turned(ellipse(cx, cy, 20, 8), cx, cy, tilt), grey(235), 0.85);
  },
  thyroid: (canvas, rng, cx, cy) => {
    const r = between(rng, 15, 19);
    for (const side of [-1, 1]) canvas.paint(disc(cx + side * 23, cy, r), grey(175), 0.8);
    canvas.paint(disc(cx, cy + 2, 8), grey(4), 0.9);
  },
  skin: (canvas, rng, cx, cy) => {
    const tilt = between(rng, 0, 3);
    canvas.paint(turned(ellipse(cx, cy, between(rng, 34, 42), 30), cx, cy, tilt), [165, 105, 80], 0.7);
  },
  nail: (canvas, rng, cx, cy) => {
    canvas.paint(box(cx, cy + 8, between(rng, 26, 31), 46), [250, 222, 214], 0.9);
    for (let x = -20; x <= 20; x += 10) canvas.paint(box(cx + x, cy + 8, 0.9, 44), [215, 165, 155]);
    canvas.paint(ellipse(cx, cy + 46, 24, 12), [255, 248, 244]);
  },
  retina: (canvas, rng, cx, cy) => {
    const side = rng() < 0.5 ? -1 : 1;
    canvas.paint(disc(cx + side * 30, cy, between(rng, 8, 10)), [252, 225, 150]);
  },
  iris: (canvas, rng, cx, cy) => {
    canvas.paint(ring(cx, cy, 33, 14), [120, 80, 40], 0.9);
    for (let ray = 0; ray < 24; ray++) {
      const angle = (ray * Math.PI) / 12 + between(rng, -0.05, 0.05);
      const [x, y] = [cx + 33 * Math.cos(angle), cy + 33 * Math.sin(angle)];
      canvas.paint(turned(box(x, y, 6, 0.9), x, y, angle), [220, 180, 110], 0.8, [x, y, 9]);
    }
    canvas.paint(disc(cx, cy, 14), grey(5));
  },
  macula: (canvas, rng, cx, cy) => {
    const depth = between(rng, 16, 24);
    canvas.paint((_x, y) => y - (26 + (cy - MID)), grey(2));
    canvas.paint(ellipse(cx, 26 + (cy - MID), 22, depth), grey(2));
  },
  cornea: (canvas, rng, cx, cy) => {
    const radius = between(rng, 62, 74);
    const outside: Shape = (x, y) => -disc(cx, cy - 34 + radius, radius)(x, y);
    canvas.paint(outside, grey(2));
    canvas.paint(ring(cx, cy - 34 + radius, radius, 6), grey(250));
  },
  blood: (canvas, rng) => {
    for (let i = 0; i < 11; i++) {
      const [x, y, r] = [between(rng, 5, 107), between(rng, 5, 107), between(rng, 8, 11)];
      canvas.paint(disc(x, y, r), [222, 120, 135], 0.85, [x, y, r]);
      canvas.paint(disc(x, y, r * 0.4), [245, 205, 212], 0.9, [x, y, r]);
    }
  },
  colon: (canvas, rng) => {
    for (let i = 0; i < 6; i++) {
      const [x, y, r] = [between(rng, 12, 100), between(rng, 12, 100), between(rng, 12, 17)];
      canvas.paint(ring(x, y, r, 6), [95, 50, 130], 0.85, [x, y, r + 4]);
    }
  },
};

/** Soft blobs and grain, so that no two images of one data set are near-duplicates. Ultrasound already has its speckle. */
function texture(canvas: Canvas, rng: Random, modality: Modality): void {
  for (let i = 0; i < 9; i++) {
    const [x, y, reach] = [between(rng, 0, 112), between(rng, 0, 112), between(rng, 10, 22)];
    const tone = rng() < 0.5 ? 10 : 240;
    const soft: Shape = (px, py) => Math.hypot(px - x, py - y) / reach - 0.5; // cover falls from 1 at the centre to 0 at `reach`
    canvas.paint(soft, grey(tone), 0.34, [x, y, reach]);
  }
  const grain = modality === 'ultrasound' ? 0 : 7;
  for (let i = 0; i < canvas.data.length; i += 3) {
    const noise = grain * (rng() - 0.5) * 2;
    for (let c = 0; c < 3; c++) canvas.data[i + c] += noise;
  }
}

function lesion(canvas: Canvas, rng: Random, { finding, size, place }: Lesion): void {
  const r = SIZES[size].radius * between(rng, 0.93, 1.07);
  const x = PLACES[place][0] + between(rng, -4, 4);
  const y = PLACES[place][1] + between(rng, -4, 4);
  const turn = between(rng, 0, Math.PI);
  const shapes: Record<(typeof FINDINGS)[keyof typeof FINDINGS]['shape'], Shape> = {
    disc: disc(x, y, r),
    ring: ring(x, y, r * 0.75, r * 0.5),
    star: star(x, y, r * 1.2, 5, turn),
    bar: turned(box(x, y, r * 1.15, Math.max(2, r * 0.36)), x, y, turn),
  };
  const { shape, rgb } = FINDINGS[finding];
  canvas.paint(shapes[shape], rgb, 1, [x, y, r * 1.7]);
}

/** Brighter at the top, warmer on the right: a patch's colour hints at where in the image it is, which rotary attention alone does not. */
function light(canvas: Canvas, rng: Random): void {
  const gain = between(rng, 0.92, 1.08);
  canvas.shade((x, y) => {
    const down = 1.2 - (0.5 * y) / IMAGE_SIZE;
    const across = 0.25 * (x / IMAGE_SIZE - 0.5);
    return [gain * down * (1 + across), gain * down, gain * down * (1 - across)];
  });
}

/** "SYN" in the lower right corner, 3 x 5 pixels a letter: every image says itself that it is synthetic. */
function mark(canvas: Canvas): void {
  const letters = ['111100111001111', '101101010010010', '111101101101101'];
  letters.forEach((bits, k) => {
    for (let i = 0; i < 15; i++)
      if (bits[i] === '1') {
        const [x, y] = [IMAGE_SIZE - 13 + 4 * k + (i % 3), IMAGE_SIZE - 7 + Math.floor(i / 3)];
        canvas.data.fill(200, (y * IMAGE_SIZE + x) * 3, (y * IMAGE_SIZE + x) * 3 + 3);
      }
  });
}

/** The scene of image `index` of a data set: findings in equal shares, one image in five normal. */
export function drawLesion(rng: Random, index: number): Lesion | null {
  const findings = Object.keys(FINDINGS) as (keyof typeof FINDINGS)[];
  const kind = index % (findings.length + 1);
  if (kind === findings.length) return null;
  const sizes = Object.keys(SIZES) as (keyof typeof SIZES)[];
  const places = Object.keys(PLACES) as (keyof typeof PLACES)[];
  return { finding: findings[kind], size: sizes[below(rng, sizes.length)], place: places[below(rng, places.length)] };
}
