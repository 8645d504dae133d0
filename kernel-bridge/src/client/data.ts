/** `client.data`: the routes of data sets, and what stands on them. */
import type { DataItem, ItemQuery } from '../protocol/data.ts';
import type { QueryOf } from '../protocol/routes.ts';
import { address, answer, callsOf, type CallsOf } from './calls.ts';
import type { Transport } from './transport.ts';

export interface ImagePicture {
  /** A PNG, no larger than was asked for. */
  blob: Blob;
  /** Pixels of the file. */
  width: number;
  height: number;
  /** Of a 16-bit or DICOM grey image: the window it is shown through, and its least and greatest value. */
  grey: { window: number; level: number; low: number; high: number } | null;
}
type PictureOptions = Omit<QueryOf<'data.image'>, 'path'>;

export interface DataClient extends CallsOf<'data'> {
  /** Every item of a filter, page by page. */
  items(name: string, query?: Omit<ItemQuery, 'cursor' | 'offset'>): AsyncGenerator<DataItem>;
  /** Address of a thumbnail; it never changes its picture. `size` is the longest side: 96, 192, 384 or 768 pixels. */
  thumbUrl(name: string, sha256: string, size?: number): string;
  /** Address of the whole image as PNG; window and level for 16-bit and DICOM images. */
  imageUrl(name: string, path: string, options?: PictureOptions): string;
  /** The whole image with what is known of it; rejects with the reason when it cannot be read. */
  picture(name: string, path: string, options?: PictureOptions, signal?: AbortSignal): Promise<ImagePicture>;
}

export function dataClient(transport: Transport): DataClient {
  const calls = callsOf(transport, 'data');
  return {
    ...calls,
    async *items(name, query = {}) {
      let cursor: string | undefined;
      do {
        const page = await calls.page(name, { limit: 500, ...query, cursor });
        yield* page.items;
        cursor = page.cursor ?? undefined;
      } while (cursor !== undefined);
    },
    thumbUrl: (name, sha256, size = 192) => address(transport, 'data.thumb', name, sha256, { size }),
    imageUrl: (name, path, options = {}) => address(transport, 'data.image', name, { path, ...options }),
    picture: async (name, path, options = {}, signal) => {
      const picture = await answer(transport, 'data.image', name, { path, ...options }, signal);
      const numbers = (header: string, separator: string) => picture.headers.get(header)?.split(separator).map(Number) ?? [];
      const [width, height] = numbers('x-image-size', 'x');
      const [[window], [level], [low, high]] = ['window', 'level', 'range'].map((one) => numbers(`x-image-${one}`, ' '));
      return { blob: await picture.blob(), width, height, grey: window === undefined ? null : { window, level, low, high } };
    },
  };
}
