"""CityJobs: following the people accompanied by the French Cités de l’emploi."""
