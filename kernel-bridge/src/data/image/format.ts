/** Image formats by a file's first bytes, whatever its name says. The names are the files' usual extensions. */

export type ImageFormat = 'png' | 'jpg' | 'webp' | 'tif' | 'gif' | 'bmp' | 'jp2' | 'dcm';

/** Null when it is none of those that are read here. */
export function formatOf(bytes: Uint8Array): ImageFormat | null {
  // first of all: a DICOM file's preamble may be another format's beginning
  if (bytes.length >= 132 && Buffer.from(bytes.subarray(128, 132)).toString('latin1') === 'DICM') return 'dcm';
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString('latin1');
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpg';
  if (/^RIFF....WEBP/s.test(head)) return 'webp';
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'tif';
  if (/^GIF8[79]a/.test(head)) return 'gif';
  if (/^BM....\0\0\0\0/s.test(head)) return 'bmp';
  return head.startsWith('\0\0\0\x0cjP  \r\n\x87\n') || head.startsWith('\xff\x4f\xff\x51') ? 'jp2' : null;
}
