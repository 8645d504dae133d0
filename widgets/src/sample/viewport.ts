/** Where an image lies in its frame: scale 1 = one pixel of the file on one CSS pixel. Arithmetic only, no page. */

export interface Size {
  width: number;
  height: number;
}
/** The image's left upper corner, in pixels of the frame. */
export interface Viewport {
  scale: number;
  x: number;
  y: number;
}
export interface Point {
  x: number;
  y: number;
}

const MOST_SCALE = 32;
/** A small image is enlarged to fill its frame, but no further than this. */
const MOST_FIT = 8;
/** One turn of the wheel or press of a key. */
export const STEP = 1.25;

/** The scale at which all of the image is seen. */
function fitScale(image: Size, frame: Size): number {
  return Math.min(frame.width / Math.max(1, image.width), frame.height / Math.max(1, image.height), MOST_FIT);
}

/** All of the image, in the middle. */
export function fit(image: Size, frame: Size): Viewport {
  const scale = Math.max(fitScale(image, frame), 1e-3);
  return { scale, x: (frame.width - image.width * scale) / 2, y: (frame.height - image.height * scale) / 2 };
}

/** Scales by `factor`; what is under `at` stays there. */
export function zoom(view: Viewport, factor: number, at: Point, image: Size, frame: Size): Viewport {
  const least = Math.min(1, fitScale(image, frame));
  const scale = Math.min(MOST_SCALE, Math.max(least, view.scale * factor));
  const grown = scale / view.scale;
  return kept({ scale, x: at.x - (at.x - view.x) * grown, y: at.y - (at.y - view.y) * grown }, image, frame);
}

export function pan(view: Viewport, dx: number, dy: number, image: Size, frame: Size): Viewport {
  return kept({ ...view, x: view.x + dx, y: view.y + dy }, image, frame);
}

/** Whether a part of the image lies outside its frame. */
export const overflows = (view: Viewport, image: Size, frame: Size): boolean =>
  image.width * view.scale > frame.width + 1 || image.height * view.scale > frame.height + 1;

/** A stretch of the file, in its pixels. */
export interface Stretch extends Size {
  left: number;
  top: number;
}

/** The pixels of the file between two points of the frame, at least one each way. */
export function between(a: Point, b: Point, view: Viewport, image: Size): Stretch {
  const along = (one: number, other: number, size: number): [from: number, length: number] => {
    const [low, high] = [Math.min(one, other), Math.max(one, other)].map((at) => Math.min(size, Math.max(0, at)));
    const from = Math.min(Math.floor(low), size - 1);
    return [from, Math.max(1, Math.ceil(high) - from)];
  };
  const [left, width] = along((a.x - view.x) / view.scale, (b.x - view.x) / view.scale, image.width);
  const [top, height] = along((a.y - view.y) / view.scale, (b.y - view.y) / view.scale, image.height);
  return { left, top, width, height };
}

/** What of the image is in its frame. */
export const visible = (view: Viewport, image: Size, frame: Size): Stretch =>
  between({ x: 0, y: 0 }, { x: frame.width, y: frame.height }, view, image);

/** An image larger than its frame covers it; a smaller one is in its middle. */
function kept(view: Viewport, image: Size, frame: Size): Viewport {
  const within = (at: number, size: number, room: number): number =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
  return {
    scale: view.scale,
    x: within(view.x, image.width * view.scale, frame.width),
    y: within(view.y, image.height * view.scale, frame.height),
  };
}
