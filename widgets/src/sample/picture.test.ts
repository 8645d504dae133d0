import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { ImagePicture } from '../connector.ts';
import { PictureModel } from './picture.ts';

const SET = 'omnimedvqa';

function make() {
  const connector = new FakeConnector({ data: { datasets: [{ name: SET, items: 200 }] } });
  const asked: { path: string; window?: number; signal: AbortSignal; answer: PromiseWithResolvers<ImagePicture> }[] = [];
  connector.data.picture = (_name, path, options, signal) => {
    const answer = Promise.withResolvers<ImagePicture>();
    signal!.addEventListener('abort', () => answer.reject(signal!.reason as Error));
    asked.push({ path, window: options?.window, signal: signal!, answer });
    return answer.promise;
  };
  return { asked, model: new PictureModel(connector) };
}
const picture = (window: number): ImagePicture => ({
  blob: new Blob([]),
  width: 8,
  height: 8,
  grey: { window, level: 40, low: -1024, high: 3071 },
});

it('while one window is fetched, only the newest of those wished for meanwhile is fetched next', async () => {
  const { asked, model } = make();
  model.show(SET, 'ct.dcm');
  asked[0].answer.resolve(picture(400));
  await settled();
  for (const window of [500, 600, 700, 800]) model.setWindow({ window, level: 40 });
  expect(asked.map((one) => one.window)).toEqual([undefined, 500]);
  asked[1].answer.resolve(picture(500));
  await settled();
  expect(asked.map((one) => one.window)).toEqual([undefined, 500, 800]);
  expect(model.state.value).toMatchObject({ status: 'ready', picture: { grey: { window: 500 } }, window: { window: 800 } });
});

it("the file's own window is known whatever window is shown, so that a drag may start from it at once", async () => {
  const { asked, model } = make();
  model.show(SET, 'ct.dcm');
  asked[0].answer.resolve(picture(400));
  await settled();
  model.setWindow({ window: 4000, level: 0 });
  asked[1].answer.resolve(picture(4000));
  await settled();
  model.setWindow(null);
  expect(model.state.value).toMatchObject({ window: null, own: { window: 400, level: 40 } });
});

it('another image gives the one before up and starts with its own window', async () => {
  const { asked, model } = make();
  model.show(SET, 'ct.dcm');
  model.setWindow({ window: 80, level: 40 });
  model.show(SET, 'other.png');
  expect(asked[0].signal.aborted).toBe(true);
  asked[1].answer.resolve({ ...picture(1), grey: null });
  await settled();
  expect(model.state.value).toMatchObject({ status: 'ready', path: 'other.png', picture: { grey: null }, window: null });
});

it('says why an image cannot be read, and tries again when asked to', async () => {
  const { asked, model } = make();
  model.show(SET, 'gone.png');
  asked[0].answer.reject(Object.assign(new Error('gone.png does not exist'), { code: 'DATA_IMAGE', remedy: 'Put it back.' }));
  await settled();
  expect(model.state.value).toMatchObject({ status: 'error', error: { message: 'gone.png does not exist', remedy: 'Put it back.' } });
  model.retry();
  asked[1].answer.resolve(picture(400));
  await settled();
  expect(model.state.value.status).toBe('ready');
});
