// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** What the reader asks for, as media queries say it. */
let wishes: string[] = [];
let told: (() => void)[] = [];

beforeEach(() => {
  wishes = [];
  told = [];
  vi.resetModules();
  vi.stubGlobal('matchMedia', (query: string) => ({
    get matches() {
      return wishes.some((wish) => query.includes(wish));
    },
    addEventListener: (_: string, listener: () => void) => told.push(listener),
  }));
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.removeAttribute('data-jp-theme-light');
});

it("where the reader forces colours what is painted has the system's, dark or light as the reader has it", async () => {
  document.body.dataset.jpThemeLight = 'true';
  const { paletteOf, SERIES, theme } = await import('./theme.ts');
  expect([theme.value.dark, paletteOf(document.body).text]).toEqual([false, '#212121']);
  wishes = ['forced-colors: active', 'prefers-color-scheme: dark'];
  told.forEach((listener) => listener());
  expect(theme.value.dark).toBe(true);
  expect(paletteOf(document.body)).toEqual({ series: SERIES.dark, text: 'CanvasText', grid: 'GrayText', surface: 'Canvas' });
});

it("otherwise the host's theme decides, and without a host the reader's preference", async () => {
  wishes = ['prefers-color-scheme: dark'];
  const { refreshTheme, theme } = await import('./theme.ts');
  expect(theme.value.dark).toBe(true);
  document.body.dataset.jpThemeLight = 'true';
  refreshTheme();
  expect(theme.value.dark).toBe(false);
});
