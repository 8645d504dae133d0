import { expect, it, vi } from 'vitest';
import { ChartPointer } from './chart-pointer.ts';
import { CurvesModel } from './model.ts';
import { MARGIN, Scale } from './scale.ts';

/** A chart of 100 pixels across the plot, one for each step; it stands 10 pixels from the left and 20 from the top of the window. */
function chart(drawn = true) {
  const model = new CurvesModel();
  const selectAt = vi.fn();
  const host = {
    ...{ addController: () => {}, requestUpdate: () => {}, model, selectAt },
    scale: drawn ? new Scale([0, 100], MARGIN.l + 100 + MARGIN.r) : null,
  };
  const area = { getBoundingClientRect: () => ({ left: 10, top: 20 }), setPointerCapture: () => {} };
  const at = (step: number, more: Partial<PointerEvent> = {}): PointerEvent =>
    ({ clientX: 10 + MARGIN.l + step, clientY: 50, button: 0, shiftKey: false, currentTarget: area, ...more }) as unknown as PointerEvent;
  return { pointer: new ChartPointer(host), model, selectAt, at };
}

it('moves the cursor of all charts, and takes it away when it leaves', () => {
  const { pointer, model, at } = chart();
  pointer.onMove(at(30));
  expect([model.cursor.value, pointer.hovers]).toEqual([30, true]);
  pointer.onLeave();
  expect([model.cursor.value, pointer.hovers]).toEqual([null, false]);
});

it('a drag zooms to what it covers, in whichever way it goes; a click chooses the step', () => {
  const { pointer, model, selectAt, at } = chart();
  pointer.onDown(at(60));
  pointer.onMove(at(20));
  expect(pointer.brush).toEqual([MARGIN.l + 60, MARGIN.l + 20]);
  pointer.onUp(at(20));
  expect([model.state.value.range, pointer.brush]).toEqual([[20, 60], null]);
  expect(selectAt).not.toHaveBeenCalled();
  pointer.onDown(at(40));
  pointer.onMove(at(42));
  pointer.onUp(at(42));
  expect(selectAt).toHaveBeenCalledExactlyOnceWith(40, 30);
});

it('with Shift it drags the chosen step and zooms nothing', () => {
  const { pointer, model, selectAt, at } = chart();
  pointer.onDown(at(10, { shiftKey: true }));
  pointer.onMove(at(50));
  pointer.onUp(at(50));
  pointer.onMove(at(70));
  expect(selectAt.mock.calls.map(([x]) => x as number)).toEqual([10, 50]);
  expect(model.state.value.range).toBeNull();
});

it('what it began is forgotten when it leaves; another button begins nothing', () => {
  const { pointer, model, selectAt, at } = chart();
  pointer.onDown(at(10));
  pointer.onLeave();
  pointer.onUp(at(90));
  pointer.onDown(at(10, { button: 2 }));
  pointer.onUp(at(90));
  expect([model.state.value.range, selectAt.mock.calls.length]).toEqual([null, 0]);
});

it('before anything is drawn it chooses nothing', () => {
  const { pointer, model, selectAt, at } = chart(false);
  pointer.onMove(at(5));
  pointer.onDown(at(5));
  pointer.onUp(at(5));
  expect([model.cursor.value, selectAt.mock.calls.length]).toEqual([null, 0]);
});
