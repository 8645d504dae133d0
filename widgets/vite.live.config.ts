/** The module of live cells in one file, without an import from outside. */
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Lit's checks for developers stay out.
  define: { 'process.env.NODE_ENV': '"production"' },
  resolve: { conditions: ['production', 'browser', 'import', 'module', 'default'] },
  build: {
    outDir: resolve(import.meta.dirname, '../extension/medr1_workbench/static'),
    emptyOutDir: true,
    target: 'es2024',
    lib: { entry: resolve(import.meta.dirname, 'src/live/index.ts'), formats: ['es'], fileName: () => 'live.js' },
    minify: true,
    reportCompressedSize: true,
    rolldownOptions: { output: { codeSplitting: false } },
  },
});
