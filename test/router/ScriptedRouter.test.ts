import { assert, describe, it } from "@effect/vitest"
import { RouterFault } from "../../src/router/RouterFault.ts"
import { ScriptedRouterCore } from "../../src/router/ScriptedRouter.ts"
import { context, request } from "./Requests.ts"

describe("scripted router", () => {
  it("sends a request where the list says", () => {
    const core = new ScriptedRouterCore([3, 0, 2], context())
    assert.deepStrictEqual(
      [2, 0, 1].map((id) => core.route(request({ id, promptTokens: 1 }), 0)),
      [2, 3, 0]
    )
  })

  it("asks a function", () => {
    const core = new ScriptedRouterCore((r, nowMs, { workers }) => (r.id + nowMs) % workers, context())
    assert.strictEqual(core.route(request({ id: 3, promptTokens: 1 }), 2), 1)
  })

  it("says where the script ends", () => {
    const core = new ScriptedRouterCore([0], context())
    assert.throws(() => core.route(request({ id: 1, promptTokens: 1 }), 0), RouterFault, "no entry for request 1")
  })

  it("refuses a worker that does not exist", () => {
    const core = new ScriptedRouterCore([4], context())
    assert.throws(() => core.route(request({ promptTokens: 1 }), 0), RouterFault, "the pool has workers 0 to 3")
  })
})
