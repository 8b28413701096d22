/** How a file is cut into pieces, the units that are requested, verified and remembered. */

const MIN_PIECE = 256 * 1024;
const MAX_PIECE = 4 * 1024 * 1024;

export interface PieceLayout {
  /** Bytes of the whole file. */
  size: number;
  /** Bytes of every piece but the last; a power of two. */
  pieceSize: number;
  count: number;
}

/**
 * Grows with the square root of the file, so that neither the number of pieces nor what a lost one costs gets
 * out of hand: 16 MiB in 64 pieces of 256 KiB, 1 GiB in 1024 of 1 MiB, 16 GiB and more in pieces of 4 MiB.
 */
export function defaultPieceSize(size: number): number {
  const wanted = 32 * Math.sqrt(size);
  let pieceSize = MIN_PIECE;
  while (pieceSize < wanted && pieceSize < MAX_PIECE) pieceSize *= 2;
  return pieceSize;
}

export function layoutOf(size: number, pieceSize = defaultPieceSize(size)): PieceLayout {
  return { size, pieceSize, count: Math.ceil(size / pieceSize) };
}

/** Whether a peer may cut a file so: what it says decides how much memory a piece takes here. */
export function isSoundLayout({ size, pieceSize, count }: PieceLayout, maxPieces: number): boolean {
  const powerOfTwo = (pieceSize & (pieceSize - 1)) === 0;
  return size >= 0 && powerOfTwo && pieceSize >= MIN_PIECE && pieceSize <= MAX_PIECE && count <= maxPieces;
}

export function pieceOffset(layout: PieceLayout, piece: number): number {
  return piece * layout.pieceSize;
}

export function pieceLength(layout: PieceLayout, piece: number): number {
  return Math.min(layout.pieceSize, layout.size - piece * layout.pieceSize);
}
