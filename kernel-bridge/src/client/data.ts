/** The data routes (protocol/data.ts, DATA_ROUTES): `client.data`. */
import type {
  Audit,
  DataItem,
  DataPage,
  DataSample,
  DatasetSummary,
  Download,
  DownloadJob,
  ExportFormat,
  Folder,
  IndexJob,
  ItemAnswers,
  ItemPlace,
  ItemQuery,
  MakeSplit,
  SplitFile,
} from '../protocol/data.ts';
import type { Transport } from './transport.ts';

export interface DatasetDetail extends DatasetSummary {
  facets: DataPage['facets'];
  /** Questions by split. */
  splits: Record<string, number>;
  job: IndexJob | null;
}
/** A split file with its sizes in place of its ids. */
export type SplitSummary = Omit<SplitFile, 'train' | 'test'> & { train: number; test: number };

export interface ImagePicture {
  /** A PNG, no larger than was asked for. */
  blob: Blob;
  /** Pixels of the file. */
  width: number;
  height: number;
  /** Of a 16-bit or DICOM grey image: the window it is shown through, and its least and greatest value. */
  grey: { window: number; level: number; low: number; high: number } | null;
}

const part = encodeURIComponent;

export class DataClient {
  private readonly to: Transport;

  constructor(transport: Transport) {
    this.to = transport;
  }

  list = (): Promise<{ datasets: DatasetSummary[]; jobs: IndexJob[] }> => this.to.get('/data');
  /** Starts to index a folder on the server's file system; `job` tells how far it is. */
  add = (dir: string, options: { name?: string; images?: boolean } = {}): Promise<IndexJob> =>
    this.to.send('POST', '/data', { dir, ...options });
  /** Folders for a picker; the home directory when none is named. */
  browse = (dir?: string): Promise<Folder> => this.to.get('/data/browse', { dir });
  get = (name: string): Promise<DatasetDetail> => this.to.get(`/data/${part(name)}`);
  /** Forgets the index; the folder is not touched. */
  remove = (name: string): Promise<{ removed: string }> => this.to.send('DELETE', `/data/${part(name)}`);
  job = (name: string): Promise<IndexJob> => this.to.get(`/data/${part(name)}/job`);
  stop = (name: string): Promise<IndexJob> => this.to.send('DELETE', `/data/${part(name)}/job`);

  /** What can be fetched from the Hugging Face hub, with the licence to be shown first. */
  downloads = (): Promise<{ known: Download[]; jobs: DownloadJob[] }> => this.to.get('/data/downloads');
  /** `accept_licence` says that the user has seen the licence and accepts it. */
  download = (name: string, options: { accept_licence: boolean; dir?: string }): Promise<DownloadJob> =>
    this.to.send('POST', '/data/downloads', { name, ...options });
  downloadJob = (name: string): Promise<DownloadJob> => this.to.get(`/data/downloads/${part(name)}`);
  stopDownload = (name: string): Promise<DownloadJob> => this.to.send('DELETE', `/data/downloads/${part(name)}`);

  page = (name: string, query: ItemQuery = {}, signal?: AbortSignal): Promise<DataPage> =>
    this.to.send('POST', `/data/${part(name)}/items`, query, signal);
  /** Every item of a filter, page by page. */
  async *items(name: string, query: Omit<ItemQuery, 'cursor' | 'offset'> = {}): AsyncGenerator<DataItem> {
    let cursor: string | undefined;
    do {
      const page = await this.page(name, { limit: 500, ...query, cursor });
      yield* page.items;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }
  sample = (name: string, id: string): Promise<DataSample> => this.to.get(`/data/${part(name)}/items/${part(id)}`);

  /** Where it stands among the questions of a filter. */
  place = (name: string, id: string, query: ItemQuery = {}, signal?: AbortSignal): Promise<ItemPlace> =>
    this.to.send('POST', `/data/${part(name)}/items/${part(id)}/place`, query, signal);

  /** What runs said to it. */
  answers = async (name: string, id: string, runs?: string[]): Promise<ItemAnswers[]> =>
    (await this.to.get<{ answers: ItemAnswers[] }>(`/data/${part(name)}/items/${part(id)}/answers`, { runs: runs?.join(',') })).answers;

  /** Address of a thumbnail; it never changes its picture. `size` is the longest side: 96, 192, 384 or 768 pixels. */
  thumbUrl = (name: string, sha256: string, size = 192): string => this.to.url(`/data/${part(name)}/thumb/${sha256}`, { size });
  /** Address of the whole image as PNG; window and level for 16-bit and DICOM images. */
  imageUrl = (name: string, path: string, options: { size?: number; window?: number; level?: number } = {}): string =>
    this.to.url(`/data/${part(name)}/image`, { path, ...options });

  /** The whole image with what is known of it; rejects with the reason when it cannot be read. */
  picture = async (
    name: string,
    path: string,
    options: { size?: number; window?: number; level?: number } = {},
    signal?: AbortSignal,
  ): Promise<ImagePicture> => {
    const answer = await this.to.request('GET', this.imageUrl(name, path, options), undefined, signal);
    const numbers = (header: string, separator: string) => answer.headers.get(header)?.split(separator).map(Number) ?? [];
    const [width, height] = numbers('x-image-size', 'x');
    const [[window], [level], [low, high]] = ['window', 'level', 'range'].map((one) => numbers(`x-image-${one}`, ' '));
    return { blob: await answer.blob(), width, height, grey: window === undefined ? null : { window, level, low, high } };
  };

  audit = (name: string): Promise<Audit> => this.to.get(`/data/${part(name)}/audit`);
  splits = (name: string): Promise<{ splits: Record<string, number>; files: SplitSummary[] }> => this.to.get(`/data/${part(name)}/splits`);
  makeSplit = (name: string, split: MakeSplit): Promise<SplitSummary> => this.to.send('POST', `/data/${part(name)}/splits`, split);
  split = (name: string, split: string): Promise<SplitFile> => this.to.get(`/data/${part(name)}/splits/${part(split)}`);
  export = async (name: string, format: ExportFormat, query: ItemQuery = {}): Promise<Blob> =>
    (await this.to.request('POST', this.to.url(`/data/${part(name)}/export`), { format, query })).blob();
}
