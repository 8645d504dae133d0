/** What a chart draws of its runs: made anew where something changed, painted where that can be seen. */
import type { FollowedRun } from '../store/followed-run.ts';
import { theme, type Palette } from '../theme.ts';
import { AXIS, xOfStep } from './axis.ts';
import { placedMarks, type PlacedMark } from './chart-marks.ts';
import type { ChartSpec } from './charts.ts';
import { allX } from './readings.ts';
import { cutsOf, extent, heat, traces, yRange, type ChartLine, type ChartRun } from './figure.ts';
import { linesOf, usesStatistics, usesTrial } from './lines.ts';
import type { CurvesState } from './model.ts';
import { paint } from './paint.ts';
import { drawnNow, isSeen, type Drawn } from './redraw.ts';
import { Scale } from './scale.ts';
import { sceneOf, type Scene, type Size } from './scene.ts';
import { pictureOf, type Picture } from './svg.ts';
import { unseen, type Note } from './unseen.ts';

export interface Source {
  spec: ChartSpec;
  runs: readonly ChartRun[];
  /** Changes whenever a run's data did. */
  revision: number;
  settings: CurvesState;
  /** Colours tell runs apart. */
  overlaid: boolean;
}

export class ChartDrawing {
  lines: readonly ChartLine[] = [];
  note: Note = { text: '', all: false };
  /** Lines that are not on screen yet. */
  stale = true;
  /** What is painted; null before the first time. */
  scene: Scene | null = null;

  readonly #readPalette: () => Palette;
  /** Reading it makes the page compute its styles: once for each theme. */
  #colours: { theme: unknown; palette: Palette } | null = null;
  #source: Source | null = null;
  #full: [number, number] | null = null;
  /** What y spans; null = what is drawn. */
  #y: [number, number] | null = null;
  #stops: number[] | null = null;
  /** What the lines were made from. */
  #made: unknown[] = [];
  /** What is on the page, and what it was made of; null where that is not known. */
  #shown: { drawn: Drawn; of: readonly unknown[] } | null = null;

  constructor(palette: () => Palette) {
    this.#readPalette = palette;
  }

  get #palette(): Palette {
    if (this.#colours?.theme !== theme.value) this.#colours = { theme: theme.value, palette: this.#readPalette() };
    return this.#colours!.palette;
  }

  /** What x spans; null where no run has a step. */
  get x(): [number, number] | null {
    return this.#source?.settings.range ?? this.#full;
  }

  get points(): number {
    return this.lines.reduce((sum, line) => sum + line.x.length, 0);
  }

  /** Lengths of the pauses that are left out of x. */
  get pauses(): string[] {
    const { runs, settings } = this.#source!;
    return cutsOf(runs, settings, this.#palette).map(({ text }) => text);
  }

  /** Every x that some line has a point at, for the keyboard; made when it is first needed. */
  get stops(): readonly number[] {
    const { runs, settings } = this.#source!;
    return (this.#stops ??= allX(runs, settings.axis));
  }

  /** `now`: also where nothing but points came. */
  make(source: Source, now: boolean): void {
    const { spec, runs, revision, settings, overlaid } = source;
    const shown = runs.flatMap(({ series, colour, statistics, trial }) => [
      ...[series, colour],
      usesStatistics(spec, series) && statistics,
      usesTrial(spec) && trial,
    ]);
    const from = [revision, JSON.stringify(spec), settings, theme.value, overlaid, ...shown];
    const same = (start: number): boolean =>
      from.length === this.#made.length && from.slice(start).every((part, at) => part === this.#made[start + at]);
    if (same(0)) return; // a moving cursor makes no new lines
    if (!now && same(1)) {
      // Points that come wait for the chart's turn to be drawn: all charts of a board at once would hold up the page.
      this.stale = true;
      return;
    }
    this.#made = from;
    this.#source = source;
    this.lines = linesOf(spec, runs, settings, this.#palette, overlaid);
    // the bulk of the medians is not that of the completions
    const spanning = spec.from?.kind === 'distribution' ? { ...settings, ignoreOutliers: false } : settings;
    this.#y = yRange(this.lines, spanning, settings.ranges[spec.id]);
    this.note = unseen(this.lines, settings.logY, this.#y, settings.ranges[spec.id]);
    this.#stops = null;
    this.#full = extent(runs, settings.axis);
    this.stale = true;
  }

  /** False where the page shows all that can be seen already: nothing has changed but for points that move nothing by half a pixel. */
  paint(canvas: HTMLCanvasElement, size: Size): boolean {
    this.stale = false;
    if (this.#isShown(size)) return false;
    this.scene = this.#sceneOf(size);
    paint(canvas, this.scene, devicePixelRatio);
    const { x } = this;
    this.#shown = x && { drawn: drawnNow(this.lines, x, this.scene.y), of: this.#drawnOf(size) };
    return true;
  }

  /** The next painting happens, whether it can be seen or not. */
  forget(): void {
    this.#shown = null;
    this.stale = true;
  }

  #drawnOf = ({ width, height }: Size): unknown[] => [...this.#made.slice(1), width, height, devicePixelRatio];

  #isShown(size: Size): boolean {
    const { x } = this;
    if (!this.#shown || !x || this.#source?.settings.logY) return false;
    const { drawn, of } = this.#shown;
    const now = this.#drawnOf(size);
    return now.length === of.length && now.every((part, at) => part === of[at]) && !isSeen(drawn, this.lines, x, size.width);
  }

  #sceneOf(size: Size): Scene {
    const { spec, runs, settings } = this.#source!;
    const palette = this.#palette;
    const figure = {
      traces: traces(this.lines, settings, size.width),
      heat: heat(spec, runs, settings, palette),
      cuts: cutsOf(runs, settings, palette),
    };
    return sceneOf({ ...figure, settings, x: this.x ?? [0, 1], y: this.#y }, palette, size);
  }

  /** The chart as a picture by itself. */
  picture(size: Size, id: string): Picture {
    const { spec, runs, overlaid, settings } = this.#source!;
    const marks = (plot: Size): PlacedMark[] => {
      const scale = this.x && new Scale(this.x, plot.width);
      const pixelOfStep = (series: FollowedRun, step: number): number | null => {
        const x = xOfStep(series, settings.axis, step);
        return x === null ? null : (scale?.toPixel(x) ?? null);
      };
      // a picture goes to others: where a checkpoint lies on this machine is left out
      return placedMarks({ runs, overlaid, pixelOfStep }).map((one) =>
        one.mark.kind === 'checkpoint' ? { ...one, text: one.title } : one,
      );
    };
    return pictureOf({ title: spec.title, x: AXIS[settings.axis].label }, this.lines, size, (plot) => this.#sceneOf(plot), id, marks);
  }
}
