"""Health records as FHIR R4 bundles: from related tables of patients to one bundle for each."""
