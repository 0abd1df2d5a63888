/** As much of JSON Schema 2020-12 as the published schemas use, to hold them against what the readers accept. */
type Schema = Readonly<Record<string, unknown>>

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, Schema]> =>
  isSchema(value)
    ? Object.entries(value).flatMap(([key, schema]) => (isSchema(schema) ? [[key, schema] as const] : []))
    : []

/** Keywords that say nothing about values. */
const annotations: ReadonlySet<string> = new Set(["$schema", "$defs", "title", "description", "default"])

export class JsonSchemaCheck {
  private readonly root: Schema

  constructor(root: Schema) {
    this.root = root
  }

  accepts(value: unknown, schema: Schema = this.root): boolean {
    return Object.entries(schema).every(
      ([keyword, argument]) => annotations.has(keyword) || this.keyword(keyword, argument, value, schema)
    )
  }

  private keyword(keyword: string, argument: unknown, value: unknown, schema: Schema): boolean {
    switch (keyword) {
      case "type": {
        const types: ReadonlyArray<unknown> = Array.isArray(argument) ? argument : [argument]
        return types.includes(typeOf(value)) || (typeOf(value) === "integer" && types.includes("number"))
      }
      case "const":
        return value === argument
      case "enum":
        return Array.isArray(argument) && argument.includes(value)
      case "anyOf":
        return Array.isArray(argument) && argument.some((one) => isSchema(one) && this.accepts(value, one))
      case "$ref":
        return this.accepts(value, this.resolve(String(argument)))
      case "minimum":
        return typeof value !== "number" || value >= Number(argument)
      case "maximum":
        return typeof value !== "number" || value <= Number(argument)
      case "pattern":
        return typeof value !== "string" || new RegExp(String(argument)).test(value)
      case "minLength":
        return typeof value !== "string" || value.length >= Number(argument)
      case "items":
        return !Array.isArray(value) || (isSchema(argument) && value.every((item) => this.accepts(item, argument)))
      case "minItems":
        return !Array.isArray(value) || value.length >= Number(argument)
      case "maxItems":
        return !Array.isArray(value) || value.length <= Number(argument)
      case "prefixItems":
        return !Array.isArray(value) || !Array.isArray(argument) || this.items(value, argument)
      case "required":
        return (
          !isSchema(value) || !Array.isArray(argument) || argument.every((key) => Object.hasOwn(value, String(key)))
        )
      case "minProperties":
        return !isSchema(value) || Object.keys(value).length >= Number(argument)
      case "properties":
      case "patternProperties":
      case "additionalProperties":
        return !isSchema(value) || this.object(value, schema)
      default:
        throw new Error(`the schema uses ${keyword}, which this check does not know`)
    }
  }

  private items(values: ReadonlyArray<unknown>, schemas: ReadonlyArray<unknown>): boolean {
    return values.every((value, index) => {
      const schema = schemas[index]
      return !isSchema(schema) || this.accepts(value, schema)
    })
  }

  private object(value: Schema, schema: Schema): boolean {
    const properties = new Map(entriesOf(schema["properties"]))
    const patterns = entriesOf(schema["patternProperties"])
    return Object.entries(value).every(([key, item]) => {
      const matching = [
        ...patterns.filter(([pattern]) => new RegExp(pattern).test(key)).map(([, one]) => one),
        ...(properties.has(key) ? [properties.get(key)!] : [])
      ]
      if (matching.length > 0) return matching.every((one) => this.accepts(item, one))
      const others = schema["additionalProperties"]
      return isSchema(others) ? this.accepts(item, others) : others !== false
    })
  }

  private resolve(reference: string): Schema {
    let found: unknown = this.root
    for (const key of reference.replace("#/", "").split("/")) found = isSchema(found) ? found[key] : undefined
    if (!isSchema(found)) throw new Error(`${reference} leads nowhere`)
    return found
  }
}
