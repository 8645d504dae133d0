import { crc32, deflateSync } from 'node:zlib';

/** An image as it is drawn: 8-bit RGB, row by row. */
export interface Rgb {
  width: number;
  height: number;
  data: Uint8Array; // [height * width * 3]
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A PNG file with one text chunk, the same bytes for the same pixels: no time stamp, no encoder's choice of filter. */
export function encodePng(image: Rgb, text: { keyword: string; value: string }): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, truecolour, deflate, adaptive filters, not interlaced
  const stride = image.width * 3;
  const rows = Buffer.alloc(image.height * (stride + 1)); // a filter byte (0, none) before each row
  for (let y = 0; y < image.height; y++) rows.set(image.data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`${text.keyword}\0${text.value}`, 'latin1')),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}
