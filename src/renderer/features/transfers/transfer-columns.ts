import type { TransferView } from '../../../contract/events';
import type { CsvColumn } from '../../export/csv';
import { nameOf } from '../../graph';

/** Of the exported table. */
export function transferColumns(specs: Parameters<typeof nameOf>[1]): readonly CsvColumn<TransferView>[] {
  return [
    { header: 'File', value: ({ name }) => name },
    { header: 'Client', value: ({ client }) => nameOf(client, specs) },
    { header: 'State', value: ({ phase }) => phase },
    { header: 'Bytes', value: ({ bytes }) => bytes },
    { header: 'Size', value: ({ size }) => size },
    { header: 'Bytes per second', value: ({ bytesPerSecond }) => bytesPerSecond },
    { header: 'Started', value: ({ startedAt }) => new Date(startedAt) },
    { header: 'Ended', value: ({ endedAt }) => endedAt && new Date(endedAt) },
    {
      header: 'Sources',
      value: ({ segments }) => [...new Set(segments.map(({ source }) => source))].join(' '),
    },
    { header: 'Marks', value: ({ marks }) => marks.map(({ text }) => text).join('; ') },
    { header: 'Saved to', value: ({ savedTo }) => savedTo },
    { header: 'SHA-256', value: ({ sha256 }) => sha256 },
    { header: 'Verified', value: ({ verified }) => verified },
    { header: 'Error', value: ({ error }) => error?.message },
  ];
}
