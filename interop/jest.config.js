'use strict'

module.exports = { ...require('../jest.config'), rootDir: '..', testMatch: ['<rootDir>/interop/*.test.ts'] }
