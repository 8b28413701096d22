import { describe, expect, it } from 'vitest';
import { completePeerLine } from './peer-completion';

const commands = ['register', 'unregister', 'get_files_list', 'download', 'delete', 'help', 'quit'];
const files = { others: ['my song.mp3', 'my other song.mp3', 'notes.txt'], own: ['own file.txt'] };

const complete = (line: string) => completePeerLine(line, commands, async (of) => files[of]);

describe('completion at the prompt of a peer', () => {
  it('finds commands, and adds the space before a name', async () => {
    expect(await complete('')).toEqual([commands, '']);
    expect(await complete('d')).toEqual([['download', 'delete'], 'd']);
    expect(await complete('reg')).toEqual([['register'], 'reg']);
    expect(await complete('  dow')).toEqual([['download '], 'dow']);
    expect(await complete('nothing')).toEqual([[], 'nothing']);
  });

  it('finds the files of others to download, and own ones to delete, with their spaces', async () => {
    expect(await complete('download ')).toEqual([files.others, '']);
    expect(await complete('download  my s')).toEqual([['my song.mp3'], 'my s']);
    expect(await complete('delete o')).toEqual([files.own, 'o']);
    expect(await complete('delete my')).toEqual([[], 'my']);
    expect(await complete('help n')).toEqual([[], 'n']);
    expect(await complete('toString n')).toEqual([[], 'n']);
  });
});
