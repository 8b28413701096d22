export function electronPackage(): string;
export function electronBinary(): string | undefined;
