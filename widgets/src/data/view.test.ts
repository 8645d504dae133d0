// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import type { DataGrid } from './grid.ts';
import './view.ts';
import type { DataView } from './view.ts';

const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(options: FakeOptions = {}) {
  const connector = new FakeConnector({ ...options, data: { datasets: [{ name: 'omnimedvqa', items: 1200 }], ...options.data } });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-data') as DataView, { workbench });
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id, (event as CustomEvent).detail.args));
  document.body.append(element);
  await settled();
  const root = element.shadowRoot!;
  const find = <T extends HTMLElement>(id: string, from: ParentNode = root): T | null => from.querySelector<T>(`[data-testid="${id}"]`);
  const inside = (tag: string): ShadowRoot => root.querySelector(tag)!.shadowRoot!;
  const tiles = () => [...inside('medr1-data-grid').querySelectorAll<HTMLElement>('[data-testid=data-item]')];
  const key = (name: string, more: KeyboardEventInit = {}) =>
    find('data-grid', inside('medr1-data-grid'))!.dispatchEvent(
      new KeyboardEvent('keydown', { key: name, bubbles: true, composed: true, ...more }),
    );
  return { connector, element, root, asked, find, inside, tiles, key };
}

describe('the grid', () => {
  it('has the keyboard as soon as the view has it and there are questions', async () => {
    const { element, root, inside, find, key } = await view();
    element.focus();
    await settled();
    expect(root.activeElement).toBe(root.querySelector('medr1-data-grid'));
    expect(inside('medr1-data-grid').activeElement).toBe(find('data-grid', inside('medr1-data-grid')));
    key('ArrowRight');
    expect(workbench.data.state.value.active).toBe(0);
  });

  it('has only the rows near the window on the page, whatever the number of questions', async () => {
    const { tiles, inside } = await view({ data: { datasets: [{ name: 'omnimedvqa', items: 20_000 }] } });
    expect(tiles().length).toBeGreaterThan(5);
    expect(tiles().length).toBeLessThan(60);
    expect(tiles()[0].getAttribute('aria-setsize')).toBe('20000');
    expect(parseInt(inside('medr1-data-grid').querySelector<HTMLElement>('.canvas')!.style.height)).toBeGreaterThan(500_000);
  });

  it('names the active question as long as its tile is on the page', async () => {
    const { key, inside } = await view({ data: { datasets: [{ name: 'omnimedvqa', items: 20_000 }] } });
    const scroller = inside('medr1-data-grid').querySelector<HTMLElement>('.scroller')!;
    const named = () => scroller.getAttribute('aria-activedescendant');
    expect(named()).toBeNull();
    key('ArrowRight');
    await settled();
    expect(inside('medr1-data-grid').getElementById(named()!)!.dataset.testid).toBe('data-item');
    scroller.scrollTop = 50_000;
    scroller.dispatchEvent(new Event('scroll'));
    await until(() => expect(named()).toBeNull());
  });

  it('draws no more than is seen while the scroll bar leaps, and the rest when it rests', async () => {
    const { tiles, inside } = await view({ data: { datasets: [{ name: 'omnimedvqa', items: 20_000 }] } });
    const grid = inside('medr1-data-grid');
    const scroller = grid.querySelector<HTMLElement>('.scroller')!;
    const places = () => [...grid.querySelectorAll<HTMLElement>('.tile')].map(({ style }) => parseInt(style.top));
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const scrollTo = async (top: number) => {
      scroller.scrollTop = top;
      scroller.dispatchEvent(new Event('scroll'));
      await frame();
    };
    await scrollTo(300); // less than a window: tiles beyond it stay
    expect(Math.max(...places())).toBeGreaterThan(300 + 600);
    await scrollTo(50_000);
    const leapt = places().length;
    expect(leapt).toBeGreaterThan(3);
    await until(() => expect(places().length).toBeGreaterThan(leapt / 0.6));
    expect(tiles().length).toBeLessThan(60);
  });

  it('shows markup in a question, an option, a modality or a split as text', async () => {
    const item = (one: object) => ({ ...one, question: HOSTILE, options: [HOSTILE, 'b'], modality: HOSTILE, splits: [HOSTILE] });
    const { tiles, inside } = await view({ data: { item: (one) => item(one) as typeof one } });
    workbench.data.apply({ q: 'img' });
    await settled();
    for (const tag of ['medr1-data-grid', 'medr1-data-facets']) expect(inside(tag).querySelectorAll('script, [onerror]')).toHaveLength(0);
    expect(tiles()[0].querySelector('.question')!.textContent).toBe(HOSTILE);
    expect(tiles()[0].querySelector('.question mark')!.textContent).toBe('img');
    expect((globalThis as { broken?: boolean }).broken).toBeUndefined();
  });

  it('shows an image that was not read with its data set from its file', async () => {
    const { connector, tiles } = await view({ data: { item: (item) => ({ ...item, sha256: null, width: null, height: null }) } });
    const { items } = await connector.data.page('omnimedvqa', {});
    const shown = () => tiles()[1].querySelector('img')!.getAttribute('src');
    await until(() => expect(shown()).not.toBeNull());
    expect([96, 192, 384].map((size) => connector.data.imageUrl('omnimedvqa', items[1].image, { size }))).toContain(shown());
  });

  it('says why an item shows no image', async () => {
    const { tiles } = await view({
      data: {
        item: (item, at) => ({ ...item, sha256: null, width: null, height: null, problem: at === 0 ? 'image-missing' : null }),
      },
    });
    expect(tiles()[0].querySelector('.picture')!.textContent).toContain('The image file does not exist.');
    expect(tiles()[0].querySelector('.badges')!.textContent).toContain('⚠ image-missing');
  });

  it('keeps the pictures it has when its width changes', async () => {
    const { tiles, inside } = await view();
    const grid = inside('medr1-data-grid').host as DataGrid;
    const before = tiles().slice(0, 4);
    const places = before.map((one) => one.style.cssText);
    grid.resize({ width: 420, height: 600 });
    await settled();
    expect(before.every((one) => one.isConnected)).toBe(true);
    expect(
      tiles()
        .slice(0, 4)
        .map((one) => one.dataset.index),
    ).toEqual(['0', '1', '2', '3']);
    expect(before.map((one) => one.style.cssText)).not.toEqual(places);
  });

  it('says by glyph and word what each selected run answered', async () => {
    const { tiles } = await view({ runs: [{ id: 'a', name: 'Demo', steps: 3 }] });
    workbench.data.apply({ facets: { 'run:a': ['mixed'] } });
    await settled();
    const badge = tiles()[0].querySelector('.answer')!;
    expect(badge.textContent).toBe('◐');
    expect(badge.getAttribute('aria-label')).toBe('Demo: some answers right');
  });
});

describe('by keyboard', () => {
  it('arrows walk, shift extends, space toggles, Ctrl+A takes all, Escape none, Enter opens', async () => {
    const { key, tiles, find, asked, connector } = await view();
    const ids = connector.data.all('omnimedvqa').map(({ id }) => id);
    key('ArrowRight');
    key('ArrowRight');
    await settled();
    expect(workbench.selection.value.item).toBe(ids[1]);
    expect(tiles()[1].getAttribute('aria-selected')).toBe('true');
    key('ArrowRight', { shiftKey: true });
    key('ArrowRight', { shiftKey: true });
    await settled();
    expect(workbench.data.chosen).toEqual({ ids: ids.slice(1, 4) });
    key('ArrowRight', { ctrlKey: true });
    key(' ');
    await settled();
    expect(workbench.data.chosen).toEqual({ ids: ids.slice(1, 5) });
    expect(find('data-count')!.textContent).toMatch(/4 selected\s*of 1,200/);
    key('a', { ctrlKey: true });
    await settled();
    expect(find('data-count')!.textContent).toContain('All 1,200 selected');
    key('Escape');
    expect(workbench.data.chosenCount).toBe(1200);
    key('Enter');
    expect(asked).toHaveBeenCalledWith('open-sample', {});
    key('End');
    expect(workbench.data.state.value.active).toBe(1199);
  });

  it('down and up keep to the column', async () => {
    const { key } = await view({ data: { item: (item) => ({ ...item, width: 100, height: 100 }) } });
    key('ArrowDown'); // into the grid
    key('ArrowDown');
    const below = workbench.data.state.value.active!;
    expect(below).toBeGreaterThan(1);
    key('ArrowUp');
    expect(workbench.data.state.value.active).toBe(0);
  });
});

describe('with the mouse', () => {
  it('a click selects, Ctrl adds, shift takes the range, a double click opens', async () => {
    const { tiles, asked, connector } = await view();
    const ids = connector.data.all('omnimedvqa').map(({ id }) => id);
    const click = (at: number, more: MouseEventInit = {}) => tiles()[at].dispatchEvent(new MouseEvent('click', { bubbles: true, ...more }));
    click(2);
    click(5, { ctrlKey: true });
    await settled();
    expect(workbench.data.chosen).toEqual({ ids: [ids[2], ids[5]] });
    click(7, { shiftKey: true });
    await settled();
    expect(workbench.data.chosen).toEqual({ ids: [ids[5], ids[6], ids[7]] });
    tiles()[7].dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
    expect(asked).toHaveBeenCalledWith('open-sample', {});
  });
});

describe('filters', () => {
  it('a bar filters when clicked, is a chip, and the chip takes it back', async () => {
    const { inside, find, root } = await view();
    const bar = inside('medr1-data-facets').querySelector<HTMLButtonElement>('[data-facet=modality] [data-value="X-Ray"]')!;
    bar.click();
    await settled();
    expect(workbench.data.state.value.filter).toEqual({ facets: { modality: ['X-Ray'] } });
    expect(bar.getAttribute('aria-pressed')).toBe('true');
    expect(find('data-count')!.textContent).toContain(`${bar.querySelector('.number')!.textContent} questions`);
    expect(root.querySelector('[data-testid=chip]')!.textContent).toContain('X-Ray');
    find('chip')!.click();
    await settled();
    expect(workbench.data.state.value.filter).toEqual({});
    expect(find('chip')).toBeNull();
  });

  it('that nothing passes can be cleared where one sees it', async () => {
    const { find, root } = await view();
    workbench.data.apply({ q: 'nowhere' });
    await settled();
    expect(find('empty')!.textContent).toContain('No question passes the filters');
    root.querySelector<HTMLButtonElement>('.main button')!.click();
    await settled();
    expect(find('empty')).toBeNull();
  });

  it('a search is sent by Enter at once', async () => {
    const { find } = await view();
    const input = find<HTMLInputElement>('data-search')!;
    input.value = 'lesion -mild';
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
    await settled();
    expect(workbench.data.state.value.filter).toEqual({ q: 'lesion -mild' });
  });

  it('a view is saved under a name, applied and deleted', async () => {
    const { find } = await view();
    workbench.data.apply({ q: 'lesion' });
    await settled();
    find('views')!.shadowRoot!.querySelector('button')!.click();
    const name = find<HTMLInputElement>('view-name')!;
    name.value = 'Lesions';
    name.dispatchEvent(new Event('input'));
    await settled();
    find('view-save')!.click();
    workbench.data.apply({});
    await settled();
    find('view-apply')!.click();
    await settled();
    expect(workbench.data.state.value.filter).toEqual({ q: 'lesion' });
  });
});

describe('what can be done with the questions', () => {
  it('a run: its form opens with the data chosen', async () => {
    const { find, asked } = await view();
    workbench.data.apply({ facets: { modality: ['X-Ray'] } });
    await settled();
    find('data-run')!.click();
    await settled();
    expect(workbench.draft.value?.config).toMatchObject({ dataset_name: 'omnimedvqa', modality: ['X-Ray'] });
    expect(asked).toHaveBeenCalledWith('open-new-run', {});
  });

  it('a notebook: the line of Python for them', async () => {
    const { find, tiles, asked } = await view();
    tiles()[0].click();
    await settled();
    find('data-notebook')!.click();
    const [id, args] = asked.mock.calls.at(-1)!;
    expect(id).toBe('send-to-notebook');
    expect((args as { code: string }).code).toBe(`wb.dataset("omnimedvqa", ids=["${workbench.selection.value.item}"])`);
  });

  it('tags, which are a facet and a badge at once, and are taken away again', async () => {
    const { find, tiles, root, connector } = await view();
    tiles()[1].click();
    await settled();
    (find('tag-name') as HTMLInputElement).value = 'hard, odd';
    root.querySelector<HTMLFormElement>('form.tagging')!.requestSubmit();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.note')).toMatchObject([
      'data.note',
      'omnimedvqa',
      { query: { ids: [workbench.selection.value.item] }, add_tags: ['hard', 'odd'] },
    ]);
    expect(workbench.data.state.value.facets.tag).toEqual({ hard: 1, odd: 1 });
    expect([...tiles()[1].querySelectorAll('.tag')].map((one) => one.textContent)).toEqual(['hard', 'odd']);
    expect(find('tag-menu')!.textContent).toMatch(/remove\s+hard/);
    find('tag-remove')!.click();
    await settled();
    expect(workbench.data.state.value.facets.tag).toMatchObject({ odd: 1 });
  });

  it('thumbnails as large as they are wanted, also after a reload', async () => {
    const { find, tiles } = await view();
    const height = () => Math.max(...tiles().map((tile) => parseInt(tile.querySelector<HTMLElement>('.picture')!.style.height)));
    const medium = height();
    const choose = async (size: string): Promise<void> => {
      (find('thumb-size') as HTMLSelectElement).value = size;
      find('thumb-size')!.dispatchEvent(new Event('change'));
      await settled();
    };
    await choose('large');
    expect(height()).toBeGreaterThan(medium * 1.3);
    const kept = JSON.parse(JSON.stringify(workbench.data)) as object;
    await choose('small');
    expect(height()).toBeLessThan(medium);
    workbench.data.restore(kept);
    await settled();
    expect(workbench.data.state.value.thumbs).toBe('large');
    workbench.data.restore({ ...kept, thumbs: '__proto__' });
    expect(workbench.data.state.value.thumbs).toBe('large');
  });

  it('a file; a refusal is said and the picks stay', async () => {
    const { find, tiles, connector, root } = await view();
    const made = vi.fn(() => 'blob:x');
    Object.assign(URL, { createObjectURL: made, revokeObjectURL: () => {} });
    const saved = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
    tiles()[3].click();
    await settled();
    find('export-jsonl')!.click();
    await settled();
    expect(saved.mock.contexts.map((link) => (link as HTMLAnchorElement).download)).toEqual(['omnimedvqa.jsonl']);
    expect(connector.calls.find(([name]) => name === 'data.export')).toMatchObject([
      'data.export',
      'omnimedvqa',
      { format: 'jsonl', query: { ids: [expect.any(String)] } },
    ]);
    connector.data.export = () => Promise.reject({ code: 'X', message: 'The disk is full.', remedy: 'Free some space.' });
    find('export-parquet')!.click();
    await settled();
    expect(root.querySelector('footer [role=alert]')!.textContent).toMatch(/The disk is full\.\s*Free some space\./);
    expect(workbench.data.chosenCount).toBe(1);
  });
});

describe('without data', () => {
  it('the empty state offers a folder, found by walking the folders of the server', async () => {
    const { find, inside, connector } = await view({ data: { datasets: [] } });
    expect(find('empty')!.textContent).toContain('medr1 data get omnimedvqa');
    find('add-folder')!.click();
    await settled();
    const picker = () => inside('medr1-folder-picker');
    find('folder', picker())!.click();
    await settled();
    expect(find<HTMLInputElement>('folder-path', picker())!.value).toBe('/home/alice/OmniMedVQA');
    find('folder-add', picker())!.click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.add')).toEqual(['data.add', { dir: '/home/alice/OmniMedVQA' }]);
    expect(find('job')!.textContent).toContain('OmniMedVQA');
    find('job-stop')!.click();
    await settled();
    expect(find('job')!.textContent).toContain('stopped');
  });

  it('a download that is there whole goes on as a data set that is being read', async () => {
    const { find, inside, connector } = await view({ data: { datasets: [] } });
    const box = () => inside('medr1-download');
    for (const step of ['download', 'accept', 'download-start']) {
      find(step, box())!.click();
      await settled();
    }
    connector.data.tellDownload({ state: 'done', dataset: 'omnimedvqa' });
    await connector.data.add({ dir: '/home/alice/.medr1/downloads/omnimedvqa', name: 'omnimedvqa' }); // as the backend does
    await until(() => expect(find('job')?.textContent).toContain('omnimedvqa'));
  });

  it('who has a data set finds the download beside the folders', async () => {
    const { find, inside, root } = await view();
    expect(root.querySelector('medr1-download')).toBeNull();
    root.querySelector<HTMLElement>('[aria-label="Add a data set"]')!.click();
    await settled();
    expect(find('download', inside('medr1-download'))).not.toBeNull();
  });

  it('images in another folder than the questions are named beside it', async () => {
    const { find, inside, connector } = await view({ data: { datasets: [] } });
    find('add-folder')!.click();
    await settled();
    const picker = inside('medr1-folder-picker');
    const images = find<HTMLInputElement>('folder-images', picker)!;
    images.value = ' ~/images ';
    images.dispatchEvent(new Event('input'));
    find('folder-add', picker)!.click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.add')?.[1]).toMatchObject({ images_dir: '~/images' });
  });

  it('a folder that is refused says why beside the picker', async () => {
    const { find, inside, connector } = await view({ data: { datasets: [] } });
    connector.data.add = () => Promise.reject({ code: 'X', message: 'No questions in it.', remedy: 'Choose another folder.' });
    find('add-folder')!.click();
    await settled();
    find('folder-add', inside('medr1-folder-picker'))!.click();
    await settled();
    expect(find('error')!.textContent).toMatch(/No questions in it\..*Choose another folder\./s);
  });

  it('a backend that does not answer is an error with a way to try again', async () => {
    const { connector, find } = await view({ failure: { code: 'X', message: 'No answer.', remedy: 'Restart it.' } });
    expect(find('error')!.textContent).toContain('No answer.');
    connector.options.failure = undefined;
    find('retry')!.click();
    await settled();
    expect(find('data-count')).not.toBeNull();
  });
});

describe('data sets, managed where they are', () => {
  it('Enter looks into a folder and adds nothing', async () => {
    const { connector, root, find } = await view({ data: { datasets: [] } });
    find('add-folder')!.click();
    await settled();
    const picker = root.querySelector('medr1-folder-picker')!.shadowRoot!;
    const path = find<HTMLInputElement>('folder-path', picker)!;
    path.value = '/data';
    const enter = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true });
    path.dispatchEvent(enter);
    await settled();
    expect(enter.defaultPrevented).toBe(true); // the form is not sent
    expect(connector.calls.some(([name]) => name === 'data.add')).toBe(false);
    expect(connector.calls.findLast(([name]) => name === 'data.browse')![1]).toBe('/data');
  });

  it('the button names the folder that is typed, and waits while that one cannot be read', async () => {
    const { connector, root, find } = await view({ data: { datasets: [] } });
    find('add-folder')!.click();
    await settled();
    const picker = root.querySelector('medr1-folder-picker')!.shadowRoot!;
    const path = find<HTMLInputElement>('folder-path', picker)!;
    const add = find<HTMLButtonElement>('folder-add', picker)!;
    const type = async (typed: string): Promise<void> => {
      path.value = typed;
      path.dispatchEvent(new Event('input'));
      await settled();
    };
    const look = async (): Promise<void> => {
      path.dispatchEvent(new Event('change'));
      await settled();
    };
    const known = connector.data.browse;
    connector.data.browse = () => Promise.reject({ code: 'X', message: 'There is no folder /dta.', remedy: 'Name another one.' });
    await type('/dta');
    expect([add.textContent!.trim(), add.disabled]).toEqual(['Add dta', false]);
    await look();
    expect([add.textContent!.trim(), add.disabled]).toEqual(['Add dta', true]);
    connector.data.browse = known;
    await type('/home/alice/OmniMedVQA');
    await look();
    expect([path.value, add.textContent!.trim(), add.disabled]).toEqual(['/home/alice/OmniMedVQA', 'Add OmniMedVQA', false]);
    add.click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.add')![1]).toMatchObject({ dir: '/home/alice/OmniMedVQA' });
  });

  it('a file of questions is added by a click on it or by its path', async () => {
    const { connector, inside, find } = await view({ data: { datasets: [] } });
    find('add-folder')!.click();
    await settled();
    const picker = () => inside('medr1-folder-picker');
    const path = () => find<HTMLInputElement>('folder-path', picker())!;
    find('file', picker())!.click();
    await settled();
    expect([path().value, find('file', picker())!.ariaPressed]).toEqual(['/home/alice/questions.jsonl', 'true']);
    path().value = '/data/set/questions.jsonl';
    path().dispatchEvent(new Event('change'));
    await settled();
    expect(path().value, 'a file stays in the field, over its folder').toBe('/data/set/questions.jsonl');
    expect(picker().querySelector('ul')!.ariaLabel).toBe('Folders and files in /data/set');
    find('folder-add', picker())!.click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.add')![1]).toEqual({ dir: '/data/set/questions.jsonl' });
  });

  it('one is read anew where it is', async () => {
    const { connector, find } = await view({ data: { datasets: [{ name: 'omnimedvqa', items: 50 }] } });
    const again = () => find<HTMLButtonElement>('read-anew')!;
    again().click();
    await settled();
    expect(connector.calls.find(([name]) => name === 'data.add')![1]).toMatchObject({ name: 'omnimedvqa' });
    expect(again().disabled).toBe(true);
    connector.data.tellJob('omnimedvqa', { state: 'done' });
    await workbench.data.datasets.load();
    await settled();
    expect(again().disabled).toBe(false);
  });

  it('one whose images are nowhere is added again with their folder', async () => {
    const lost = { name: 'splits', items: 50, missing: 50, hashed: 0 };
    const { connector, inside, root, find } = await view({ data: { datasets: [lost] } });
    expect(find('unread')!.textContent).toContain('No image of this data set was found');
    root.querySelector<HTMLElement>('[data-testid=unread] button')!.click();
    await settled();
    const picker = inside('medr1-folder-picker');
    find<HTMLInputElement>('folder-images', picker)!.value = '/images';
    find('folder-images', picker)!.dispatchEvent(new Event('input'));
    find('folder-add', picker)!.click();
    await settled();
    const dir = workbench.data.datasets.get('splits')!.dir;
    expect(connector.calls.find(([name]) => name === 'data.add')![1]).toEqual({ dir, name: 'splits', images_dir: '/images' });
  });

  it('one can be taken off the list, and put back', async () => {
    const { asked, find } = await view({
      data: {
        datasets: [
          { name: 'omnimedvqa', items: 50 },
          { name: 'ux', items: 20 },
        ],
      },
    });
    find('remove-dataset')!.click();
    await settled();
    expect(asked).toHaveBeenCalledWith('offer-undo', { id: 'data-omnimedvqa', name: 'omnimedvqa' });
    expect(find<HTMLSelectElement>('dataset')!.value).toBe('ux');
  });

  it('one can be renamed: a name that is taken is told, filter and saved views stay', async () => {
    const { find } = await view({
      data: {
        datasets: [
          { name: 'omnimedvqa', items: 50 },
          { name: 'ux', items: 20 },
        ],
      },
    });
    workbench.data.apply({ facets: { modality: ['X-Ray'] } });
    workbench.data.saveView('chest');
    const enter = async (name: string): Promise<void> => {
      const field = find<HTMLInputElement>('dataset-name')!;
      field.value = name;
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
      await settled();
    };
    find('rename-dataset')!.click();
    await settled();
    await enter('ux');
    expect([workbench.data.state.value.dataset, workbench.data.state.value.refusal?.code]).toEqual(['omnimedvqa', 'DATA_NAME_TAKEN']);
    await enter('open');
    expect(find('dataset-name')).toBeNull();
    expect(workbench.selection.value.dataset).toBe('open');
    expect(workbench.data.state.value).toMatchObject({
      filter: { facets: { modality: ['X-Ray'] } },
      views: [{ name: 'chest', dataset: 'open' }],
    });
  });

  it('the select names the data set that is shown, also one that was added elsewhere a moment ago', async () => {
    const { connector, find } = await view({ data: { datasets: [{ name: 'omnimedvqa', items: 50 }] } });
    const lists = () => connector.calls.filter(([name]) => name === 'data.list').length;
    const before = lists();
    workbench.data.apply({}, 'from-a-notebook');
    expect(lists()).toBe(before + 1);
    await settled();
    expect(find<HTMLSelectElement>('dataset')!.value).toBe(workbench.data.state.value.dataset);
  });
});

describe('a search that finds nothing', () => {
  it('says what was probably meant, puts it right at a click, and keeps the facets in reach', async () => {
    const { find, inside } = await view();
    workbench.data.apply({ q: 'modalty:CT' });
    await settled();
    await until(() => expect(find('search-instead')?.textContent!.trim()).toBe('modality:CT'));
    find('search-instead')!.click();
    await settled();
    expect(workbench.data.state.value.filter.q).toBe('modality:CT');
    await until(() => expect(find('search-hints')?.textContent ?? '').not.toContain('modalty'));
    workbench.data.apply({ q: 'nothinghasthis' });
    await settled();
    await until(() => expect(find('empty')!.textContent).toContain('No question passes'));
    expect(find('search-hints')).toBeNull();
    workbench.data.apply({ q: 'foo:bar' });
    await until(() => expect(find('search-hints')!.textContent).toContain('There is no field foo'));
    expect(find('search-instead')!.textContent!.trim()).toBe('foo bar');
    expect(inside('medr1-data-facets').querySelectorAll('[data-testid=facet-value]').length).toBeGreaterThan(5);
  });
});
