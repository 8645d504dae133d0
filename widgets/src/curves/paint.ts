/** Paints a scene on a canvas. */
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
  for (const shape of shapes) paintShape(context, shape);
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

function paintShape(context: CanvasRenderingContext2D, { colour, opacity, stroke, draw }: Shape): void {
  context.globalAlpha = opacity;
  context.beginPath();
  draw(context);
  if (stroke) {
    context.strokeStyle = colour;
    context.lineWidth = stroke.width;
    context.lineJoin = 'round';
    context.setLineDash([...stroke.dash]);
    context.stroke();
  } else {
    context.fillStyle = colour;
    context.fill();
  }
  context.globalAlpha = 1;
}
