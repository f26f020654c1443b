import Type from "typebox";

/** Events that speak for a section of the profile, as the profile's schema has them. */
export const EVIDENCE = Type.Array(
  Type.Object({
    event: Type.String({ description: "Its type." }),
    id: Type.String({ description: "The tracker's own id of it." }),
    time: Type.String({ format: "date-time" }),
  }),
);

/** Tags that are on, whoever set them. */
export const TAGS = Type.Array(
  Type.Object({
    tag: Type.String(),
    since: Type.Optional(Type.String({ format: "date-time" })),
    by: Type.String({ description: "The rule or operator that set it." }),
  }),
  { description: "Tags that are on." },
);
