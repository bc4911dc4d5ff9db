'use strict'

/** A rival's module, or null where it is not installed; if it is, but cannot be loaded, that is an error. */
function installed(name) {
  try {
    require.resolve(name)
  } catch {
    return null
  }
  return require(name)
}

module.exports = { installed }
