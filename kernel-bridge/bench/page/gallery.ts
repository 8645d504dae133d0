/** The gallery of the widgets (widgets/gallery) in Chromium without a GPU, its backend made up within the page. */
import { createServer } from 'vite';
import type { Page } from 'playwright-core';
import { openBrowser, root } from '../../../test/e2e/lab.ts';

export interface Gallery extends AsyncDisposable {
  /** A page with one state of it alone. */
  open(state: string, viewport: { width: number; height: number }): Promise<Page>;
}

export async function openGallery(): Promise<Gallery> {
  const vite = await createServer({
    root: `${root}/widgets/gallery`,
    configFile: `${root}/widgets/vite.config.ts`,
    server: { port: 0 },
    logLevel: 'error',
  });
  await vite.listen();
  const browser = await openBrowser();
  return {
    async open(state, viewport) {
      const page = await (await browser.newContext({ viewport })).newPage();
      page.setDefaultTimeout(120_000);
      await page.goto(`${vite.resolvedUrls!.local[0]}?${new URLSearchParams({ state, bare: '1' })}`);
      return page;
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await vite.close();
    },
  };
}
