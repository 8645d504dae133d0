/** An SVG painted as PNG. */

/** Pixels of a PNG for each of the SVG. */
const SHARPNESS = 2;

/** Rejects where the browser cannot paint it. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width * SHARPNESS, height: image.height * SHARPNESS });
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large for the browser. Save it as SVG.'))),
      'image/png',
    ),
  );
}
