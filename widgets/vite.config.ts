/** The gallery's server; the themes it shows lie in the clone's .venv. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'gallery',
  server: { fs: { allow: ['..', '../..'] } },
  build: { outDir: '../dist/gallery', emptyOutDir: true },
});
