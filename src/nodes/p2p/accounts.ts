/** The accounts of an index: salted and hashed, in one file of its data folder. */
import { StudioError } from '../../contract/errors';
import type { Folder } from '../../runtime/context';
import { codeOf } from '../shared/error-text';
import { readWhole, replaceWhole } from '../shared/whole-file';
import { type Account, createAccount } from './login';

const FILE = '.p2p-accounts.json';
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_ACCOUNTS = 10_000;
const USER = /^[^\s,:\p{C}]{1,64}$/u;

export class Accounts {
  readonly #folder: Folder;
  readonly #byUser = new Map<string, Account>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** @throws StudioError when the file is there and cannot be read: starting without accounts would lock people out */
  static async open(folder: Folder): Promise<Accounts> {
    const accounts = new Accounts(folder);
    for (const account of await readAccounts(folder)) accounts.#byUser.set(account.user, account);
    return accounts;
  }

  get users(): string[] {
    return [...this.#byUser.keys()].sort();
  }

  get(user: string): Account | undefined {
    return this.#byUser.get(user);
  }

  /** @throws StudioError BAD_ACCOUNT */
  async set(user: string, password: string, options: { save: boolean }): Promise<void> {
    if (!USER.test(user))
      throw badAccount('A name is one word of at most 64 characters, without comma and colon.');
    if (password.length < 1 || password.length > 255) throw badAccount('A password has 1 to 255 characters.');
    if (!this.#byUser.has(user) && this.#byUser.size >= MAX_ACCOUNTS)
      throw badAccount('There are too many accounts.');
    this.#byUser.set(user, await createAccount(user, password));
    if (options.save) await this.#save();
  }

  async remove(user: string): Promise<void> {
    if (!this.#byUser.delete(user)) throw badAccount(`There is no account "${user}".`);
    await this.#save();
  }

  /** One save after the other, each complete before it replaces the former file. */
  #save(): Promise<void> {
    this.#saving = this.#saving
      .catch(() => {})
      .then(() => {
        const text = JSON.stringify([...this.#byUser.values()], null, 1);
        return replaceWhole(this.#folder, FILE, text, { synced: true });
      });
    return this.#saving;
  }
}

function badAccount(text: string): StudioError {
  return new StudioError('BAD_ACCOUNT', text);
}

async function readAccounts(folder: Folder): Promise<Account[]> {
  try {
    const bytes = await readWhole(folder, FILE, MAX_FILE_BYTES);
    const accounts = JSON.parse(bytes.toString()) as unknown;
    if (!Array.isArray(accounts) || !accounts.every(isAccount)) throw new Error('it holds something else');
    return accounts;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new StudioError(
      'ACCOUNTS_UNREADABLE',
      `The accounts in ${folder.path} cannot be read: ${(error as Error).message}.`,
      `Repair or remove ${FILE}; without it everybody needs a new account.`,
    );
  }
}

function isAccount(value: unknown): value is Account {
  const { user, salt, storedKey, serverKey, cost, blockSize, parallel } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const hex = (text: unknown, bytes: number): boolean =>
    typeof text === 'string' && text.length === 2 * bytes && /^[0-9a-f]+$/.test(text);
  return (
    typeof user === 'string' &&
    hex(salt, 16) &&
    hex(storedKey, 32) &&
    hex(serverKey, 32) &&
    [cost, blockSize, parallel].every((number) => Number.isSafeInteger(number) && (number as number) > 0)
  );
}
