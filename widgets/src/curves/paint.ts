/** Paints a scene on a canvas. */
import { eachColumn } from './columns.ts';
import { MARGIN } from './scale.ts';
import { RIM, type Scene, type Shape } from './scene.ts';

const FONT = '10px system-ui, sans-serif';

/** `sharpness`: pixels of the canvas for each of the page. */
export function paint(canvas: HTMLCanvasElement, scene: Scene, sharpness: number): void {
  const { width, height, xTicks, yTicks, shapes } = scene;
  const context = canvas.getContext('2d');
  if (!context) return;
  const [across, down] = [Math.round(width * sharpness), Math.round(height * sharpness)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  context.clearRect(0, 0, width, height);
  const [right, bottom] = [width - MARGIN.r, height - MARGIN.b];

  context.fillStyle = scene.grid;
  for (const { at } of xTicks) context.fillRect(Math.round(at), MARGIN.t, 1, bottom - MARGIN.t);
  for (const { at } of yTicks) context.fillRect(MARGIN.l, Math.round(at), right - MARGIN.l, 1);

  context.fillStyle = scene.text;
  context.font = FONT;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const { textAt, text } of xTicks) context.fillText(text, textAt, bottom + 5);
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const { at, text } of yTicks) context.fillText(text, MARGIN.l - 5, at, MARGIN.l - 6);

  context.save();
  context.beginPath();
  context.rect(MARGIN.l, MARGIN.t, right - MARGIN.l, bottom - MARGIN.t);
  context.clip();
  for (const shape of shapes) paintShape(context, shape, sharpness);
  context.textAlign = 'left';
  context.strokeStyle = scene.surface; // a rim, so that a text is read on a line
  context.lineWidth = RIM;
  context.setLineDash([]);
  for (const { x, y, text, colour } of scene.notes) {
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }
  context.restore();
}

function paintShape(context: CanvasRenderingContext2D, shape: Shape, sharpness: number): void {
  const { colour, opacity, stroke } = shape;
  context.globalAlpha = opacity;
  context[stroke ? 'strokeStyle' : 'fillStyle'] = colour;
  if (stroke) strokePath(context, stroke, shape);
  else if (shape.parts || shape.boxes) {
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (shape.parts) fillColumns(context, shape.parts, colour, sharpness);
    else fillBoxes(context, shape.boxes!, sharpness);
    context.restore();
  } else {
    context.beginPath();
    shape.draw(context);
    context.fill();
  }
  context.globalAlpha = 1;
}

function strokePath(context: CanvasRenderingContext2D, { width, dash }: NonNullable<Shape['stroke']>, { draw }: Shape): void {
  context.beginPath();
  draw(context);
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.setLineDash([...dash]);
  context.stroke();
}

/** In the middle of its column a line of one pixel covers that column and no other. */
function fillColumns(context: CanvasRenderingContext2D, parts: NonNullable<Shape['parts']>, colour: string, sharpness: number): void {
  context.beginPath();
  for (const part of parts)
    eachColumn(part, sharpness, (column, top, bottom) => {
      context.moveTo(column + 0.5, top);
      context.lineTo(column + 0.5, bottom);
    });
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.stroke();
}

/** One by one, each to whole pixels: as one path their edges would be blended, and they take ten times as long. */
function fillBoxes(context: CanvasRenderingContext2D, boxes: NonNullable<Shape['boxes']>, sharpness: number): void {
  const whole = (value: number): number => Math.round(value * sharpness);
  for (const [x, y, width, height] of boxes) {
    const [left, top] = [whole(x), whole(y)];
    context.fillRect(left, top, whole(x + width) - left, whole(y + height) - top);
  }
}
