/** The environment variables, handed in by main. */
export type Environment = Readonly<Record<string, string | undefined>>;
