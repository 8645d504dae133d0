import type { Connector, DataItem } from './connector.ts';

/**
 * Address of a question's image, `size` pixels on its longer side: the thumbnail where the images of the data set were read, and the file itself,
 * made smaller, where they were not. Null where the question has no image that can be shown.
 */
export function itemPicture(
  data: Pick<Connector['data'], 'thumbUrl' | 'imageUrl'>,
  dataset: string,
  { sha256, image, problem }: Pick<DataItem, 'sha256' | 'image' | 'problem'>,
  size: number,
): string | null {
  if (sha256) return data.thumbUrl(dataset, sha256, size);
  return image === '' || problem?.startsWith('image') ? null : data.imageUrl(dataset, image, { size });
}
